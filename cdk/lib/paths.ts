import { join } from "node:path";

/** The folder of the CDK app; paths in the configuration are relative to it. */
export const CDK = join(import.meta.dirname, "..");
export const REPOSITORY = join(CDK, "..");
export const POLICIES = join(REPOSITORY, "policies");
export const WORKERS_FOLDER = join(REPOSITORY, "workers");
export const STATE_MACHINES = join(REPOSITORY, "statemachines");
/** The page of the face API. */
export const WEB = join(REPOSITORY, "web");
