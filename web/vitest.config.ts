import { defineConfig } from "vitest/config";
import { TIMEOUT } from "./test/timeout";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    expect: { poll: { timeout: TIMEOUT } },
    // Longer than what a test waits for, which says more when it fails.
    testTimeout: 2 * TIMEOUT,
    hookTimeout: 2 * TIMEOUT,
    teardownTimeout: TIMEOUT,
  },
});
