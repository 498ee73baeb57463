import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WORKERS_FOLDER } from "./paths";

/** By what a worker is called: exactly one of these. */
export interface Trigger {
  /** The construct id of a queue. So many of its messages are worked on at once. */
  readonly queue?: string;
  readonly concurrency?: string;
  /** The state machine that invokes it. */
  readonly machine?: string;
  readonly everyHours?: number;
  /** The API whose operation of the worker's name it serves. */
  readonly api?: "face-api";
  /** The agent of conversations. */
  readonly agent?: "onboarding";
}

/** An entry of `workers/workers.json`. */
export interface WorkerEntry {
  /** Of its crate, its folder and its policy. */
  readonly name: string;
  readonly stack: "Workflow" | "Conversation" | "FaceApi" | "Observability";
  readonly description: string;
  readonly trigger: Trigger;
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;
  /** Why so much memory and time. */
  readonly because: string;
  /** With `${Name}` for what the deployment knows. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The one list of workers. */
export const WORKERS = JSON.parse(readFileSync(join(WORKERS_FOLDER, "workers.json"), "utf8")) as readonly WorkerEntry[];

/** Those of a stack, by their kind of trigger. */
export const workersOf = (stack: WorkerEntry["stack"], isWanted: (trigger: Trigger) => boolean = () => true): readonly WorkerEntry[] =>
  WORKERS.filter((worker) => worker.stack === stack && isWanted(worker.trigger));

/** The worker that takes the messages of a queue. */
export function consumerOf(queue: string): WorkerEntry {
  const consumer = WORKERS.find(({ trigger }) => trigger.queue === queue);
  if (consumer === undefined) throw new Error(`workers.json has no worker for the queue ${queue}.`);
  return consumer;
}
