import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One folder for all that a run of the tests synthesizes; it is gone when the run ends. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "bonafide-cdk-"));
  process.env.BONAFIDE_TEST_FOLDER = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
