import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WORKERS_FOLDER } from "./paths";

/** A parameter of a tool, by its JSON schema. */
export interface ToolParameter {
  readonly type: string;
  readonly description: string;
}

/** A tool that a model may call. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: {
    readonly type: "object";
    readonly properties: Readonly<Record<string, ToolParameter>>;
    readonly required?: readonly string[];
  };
}

/** The one contract of the tools, which the worker `onboarding-agent` serves. */
export const TOOLS = JSON.parse(readFileSync(join(WORKERS_FOLDER, "onboarding-agent", "tools.json"), "utf8")) as readonly Tool[];
