import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { REPOSITORY } from "../lib/paths";

const pages = execFileSync("git", ["ls-files", "*.md"], { cwd: REPOSITORY, encoding: "utf8" }).trim().split("\n");

/** A page without its blocks of code. */
const textOf = (page: string): string => readFileSync(join(REPOSITORY, page), "utf8").replaceAll(/^```[^]*?^```$/gm, "");

/** The anchors that a page sets, and those that GitHub makes of its headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const text = textOf(page);
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id as string));
  for (const [, heading = ""] of text.matchAll(/^#+ (.+)$/gm)) {
    const words = heading.replaceAll(/\]\([^)]*\)/g, "").toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

it.each(pages)("%s links to what exists", (page) => {
  const text = textOf(page).replaceAll(/`[^`\n]*`/g, "");
  for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = "", anchor] = target.split("#");
    const linked = path === "" ? page : join(dirname(page), path);
    expect(existsSync(join(REPOSITORY, linked)), target).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(linked), target).toContain(anchor);
  }
});
