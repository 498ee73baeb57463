import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { pascal } from "../lib/names";
import { type Api, readDescription, routes } from "../lib/openapi";
import { REPOSITORY } from "../lib/paths";
import { type Setting, SETTINGS } from "../lib/settings";
import { operationsOf, WORKERS, type WorkerEntry } from "../lib/workers";

// `npx vitest run cdk/test/pages.test.ts --update` rewrites these pages.

function calledBy({ name, trigger }: WorkerEntry): string {
  if (trigger.queue !== undefined) return `queue ${trigger.queue}, \`${trigger.concurrency}\` at once`;
  if (trigger.stream !== undefined) return `stream of the table ${trigger.stream}`;
  if (trigger.machine !== undefined) return `machine ${pascal(trigger.machine)}`;
  if (trigger.everyHours !== undefined)
    return trigger.everyHours === 1 ? "schedule, every hour" : `schedule, every ${trigger.everyHours} hours`;
  if (trigger.gateway === "tools") return "gateway of conversations, for each call of a tool; classic agent";
  if (trigger.gateway === "interceptor") return "gateway of conversations, before each request";
  const api = trigger.api as Api;
  const called = routes(readDescription(api)).filter(({ operation }) => operationsOf(api).get(operation)?.name === name);
  return `${api.replace("-api", "")} API, ${called.map(({ method, path }) => `\`${method} ${path}\``).join(", ")}`;
}

it("the page of the workers matches the list", async () => {
  const rows = WORKERS.map((worker) => {
    const variables = Object.entries(worker.environment).map(([name, value]) => `\`${name}=${value}\``);
    const size = `${worker.memoryMegabytes} MB, ${worker.timeoutSeconds} s`;
    return `| \`${worker.name}\` | ${worker.description} | ${calledBy(worker)} | ${size}. ${worker.because} | ${variables.join("<br>")} |`;
  });
  const page = `# Workers

Written from [workers.json](../../workers/workers.json) by \`npx vitest run cdk/test/pages.test.ts --update\`. What each worker may do is in \`policies/workers/<name>.json\`.

| worker | does | is called by | memory, timeout | environment |
|---|---|---|---|---|
${rows.join("\n")}

Each worker also has \`METRICS_NAMESPACE\`, the namespace of its metrics in CloudWatch.
`;
  await expect(page).toMatchFileSnapshot(join(REPOSITORY, "docs/reference/workers.md"));
});

it("the table of settings in DEPLOY matches the list", async () => {
  const shown = ({ default: fallback }: Setting<unknown>): string => {
    if (typeof fallback !== "string") return fallback.shown;
    return fallback === "" ? "–" : `\`${fallback}\``;
  };
  const rows = Object.entries<Setting<unknown>>(SETTINGS).map(
    ([name, setting]) => `| \`${name}\` | ${shown(setting)} | ${setting.takes} | ${setting.is} |`,
  );
  const table = ["| setting | default | takes | is |", "|---|---|---|---|", ...rows, ""].join("\n");
  const file = join(REPOSITORY, "docs/DEPLOY.md");
  const page = readFileSync(file, "utf8");
  expect(page).toMatch(/^\| setting \|/m);
  await expect(page.replace(/^\| setting \|(.*\n\|)*.*\n/m, () => table)).toMatchFileSnapshot(file);
});
