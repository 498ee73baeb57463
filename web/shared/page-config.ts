/** What the pages have in common that Vite builds. */

import { TIMEOUT } from "../test/timeout.ts";

/** Relative addresses: a page may be served from any folder. */
export const BASE = "./";

/** The content security policy allows no pictures, fonts and styles from `data:`. */
export const BUILD = { assetsInlineLimit: 0, modulePreload: { polyfill: false } } as const;

export const TEST = {
  include: ["test/*.test.ts"],
  expect: { poll: { timeout: TIMEOUT } },
  // Longer than the waits in a test, whose errors are more specific.
  testTimeout: 2 * TIMEOUT,
  hookTimeout: 2 * TIMEOUT,
  teardownTimeout: TIMEOUT,
  // Each file has a browser of its own.
  maxWorkers: 1,
};
