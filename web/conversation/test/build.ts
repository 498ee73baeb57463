import { fileURLToPath } from "node:url";
import { build } from "vite";

/** Builds the page once, before all tests. */
export default async function setup(): Promise<void> {
  await build({ root: fileURLToPath(new URL("..", import.meta.url)), logLevel: "warn" });
}
