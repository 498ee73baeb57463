import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["cdk/test/**/*.test.ts", "tests/asl/**/*.test.ts"],
    // The first synthesis loads the whole construct library.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
