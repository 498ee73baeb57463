import { defineConfig } from "vitest/config";
import { TIMEOUT } from "../test/timeout.ts";

export default defineConfig({
  // Relative addresses: the page may be served from any folder.
  base: "./",
  build: {
    // Phones of 2021 and later.
    target: ["es2022", "safari15"],
    // The content security policy allows no pictures and styles from `data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ["test/*.test.ts"],
    globalSetup: "test/build.ts",
    expect: { poll: { timeout: TIMEOUT } },
    // Longer than the waits in a test, whose errors are more specific.
    testTimeout: 2 * TIMEOUT,
    hookTimeout: 2 * TIMEOUT,
    teardownTimeout: TIMEOUT,
    // Each file has a browser of its own.
    maxWorkers: 1,
  },
});
