import { defineConfig } from "vitest/config";
import page from "./vite.config.ts";

/** The tests of the page on the local AWS, which `cargo xtask test desk` starts. */
export default defineConfig({ ...page, test: { ...page.test, include: ["test/local/*.test.ts"] } });
