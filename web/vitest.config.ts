import { defineConfig } from "vitest/config";
import { TIMEOUT } from "./test/timeout";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    expect: { poll: { timeout: TIMEOUT } },
    // Longer than the waits in a test, whose errors are more specific.
    testTimeout: 2 * TIMEOUT,
    hookTimeout: 2 * TIMEOUT,
    teardownTimeout: TIMEOUT,
  },
});
