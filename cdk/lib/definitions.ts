import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { STATE_MACHINES } from "./paths";

/** A digest of all machines and thresholds and of the workers that serve them, by their bundles' hashes, for the record of each decision. */
export function definitionDigest(bundles: ReadonlyMap<string, string>, folder = STATE_MACHINES): string {
  const machines = readdirSync(folder)
    .filter((file) => file.endsWith(".asl.json"))
    .sort();
  const digest = createHash("sha256");
  for (const file of [...machines, "thresholds.json"]) digest.update(readFileSync(join(folder, file)));
  for (const [name, hash] of [...bundles].sort()) digest.update(`${name} ${hash}\n`);
  return digest.digest("hex").slice(0, 16);
}
