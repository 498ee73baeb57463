import react from "@vitejs/plugin-react";
import { createHash } from "node:crypto";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { BASE, BUILD, TEST } from "../shared/page-config.ts";

/** Cloudscape's style sheet has its fonts as `data:` addresses, which the content security policy does not allow: makes files of them. */
const fontFiles: Plugin = {
  name: "font-files",
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
      file.source = file.source.toString().replace(/data:font\/woff2;base64,([A-Za-z0-9+/=]+)/g, (_, data: string) => {
        const source = Buffer.from(data, "base64");
        const name = `font-${createHash("sha256").update(source).digest("hex").slice(0, 8)}.woff2`;
        this.emitFile({ type: "asset", fileName: `assets/${name}`, source });
        return name;
      });
    }
  },
};

export default defineConfig({
  base: BASE,
  plugins: [react(), fontFiles],
  build: {
    ...BUILD,
    target: "es2023",
    // Cloudscape is one library, of which each view uses most.
    chunkSizeWarningLimit: 2000,
  },
  test: TEST,
});
