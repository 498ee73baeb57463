import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Api } from "./openapi";
import { WORKERS_FOLDER } from "./paths";

/** What invokes a worker: exactly one of these. */
export interface Trigger {
  /** The construct id of a queue, `concurrency` messages of which are processed at once. */
  readonly queue?: string;
  readonly concurrency?: string;
  /** The construct id of a table whose changes it receives. */
  readonly stream?: string;
  /** The state machine that invokes it. */
  readonly machine?: string;
  readonly everyHours?: number;
  /** The API whose operations it handles: those of the list, else the one with the worker's name. */
  readonly api?: Api;
  readonly operations?: readonly string[];
  /** Its part in the gateway of conversations. */
  readonly gateway?: "interceptor" | "tools";
}

/** An entry of `workers/workers.json`. */
export interface WorkerEntry {
  /** The name of its crate, folder and policy. */
  readonly name: string;
  readonly stack: "Workflow" | "Conversation" | "FaceApi" | "Review" | "Observability";
  readonly description: string;
  readonly trigger: Trigger;
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;
  /** The reason for memory and timeout. */
  readonly because: string;
  /** With `${Name}` for values of the deployment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The one list of workers. */
export const WORKERS = JSON.parse(readFileSync(join(WORKERS_FOLDER, "workers.json"), "utf8")) as readonly WorkerEntry[];

/** The workers of a stack, selected by their trigger. */
export const workersOf = (stack: WorkerEntry["stack"], isWanted: (trigger: Trigger) => boolean = () => true): readonly WorkerEntry[] =>
  WORKERS.filter((worker) => worker.stack === stack && isWanted(worker.trigger));

/** The worker of each operation of an API. */
export const operationsOf = (api: Api): ReadonlyMap<string, WorkerEntry> =>
  new Map(
    WORKERS.filter(({ trigger }) => trigger.api === api).flatMap((worker) =>
      (worker.trigger.operations ?? [worker.name]).map((operation): [string, WorkerEntry] => [operation, worker]),
    ),
  );

/** The worker that consumes a queue. */
export function consumerOf(queue: string): WorkerEntry {
  const consumer = WORKERS.find(({ trigger }) => trigger.queue === queue);
  if (consumer === undefined) throw new Error(`workers.json has no worker for the queue ${queue}.`);
  return consumer;
}
