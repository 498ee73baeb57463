import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { STATE_MACHINES } from "./paths";

/** A digest of all machines and thresholds, for the record of each decision. */
export function definitionDigest(folder = STATE_MACHINES): string {
  const machines = readdirSync(folder)
    .filter((file) => file.endsWith(".asl.json"))
    .sort();
  const digest = createHash("sha256");
  for (const file of [...machines, "thresholds.json"]) digest.update(readFileSync(join(folder, file)));
  return digest.digest("hex").slice(0, 16);
}
