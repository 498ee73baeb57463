import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One folder for everything that a test run synthesizes; it is deleted at the end of the run. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "bonafide-cdk-"));
  process.env.BONAFIDE_TEST_FOLDER = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
