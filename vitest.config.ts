import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["cdk/test/**/*.test.ts", "tests/asl/**/*.test.ts"],
    globalSetup: "cdk/test/temporary-folder.ts",
    // The first synthesis loads the whole construct library, on a machine that may be slow. No test depends on its speed.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    teardownTimeout: 600_000,
    // Loading that library is nine tenths of the time: load it once. No test changes what another one sees.
    isolate: false,
    maxWorkers: 1,
  },
});
