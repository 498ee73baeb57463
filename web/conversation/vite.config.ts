import { defineConfig } from "vitest/config";
import { BASE, BUILD, TEST } from "../shared/page-config.ts";

export default defineConfig({
  base: BASE,
  // Phones of 2021 and later.
  build: { ...BUILD, target: ["es2022", "safari15"] },
  test: TEST,
});
