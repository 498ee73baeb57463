/** Generates `src/schema.ts`, the types of the review API, from its description. A test compares the file with the description. */

import openapiTypescript, { astToString } from "openapi-typescript";
import { format } from "prettier";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const DESCRIPTION = new URL("../../docs/openapi/review-api.yaml", import.meta.url);
export const SCHEMA = new URL("src/schema.ts", import.meta.url);

/** @returns {Promise<string>} The text of `src/schema.ts`. */
export async function types() {
  const generated = astToString(await openapiTypescript(DESCRIPTION));
  return format(`/** Generated from docs/openapi/review-api.yaml by \`npm run types --workspace web/desk\`. */\n\n${generated}`, {
    parser: "typescript",
    printWidth: 140,
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(SCHEMA, await types());
