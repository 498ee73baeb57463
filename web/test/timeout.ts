/** Milliseconds after which a test gives up on something that does not happen. No test depends on how fast the machine is. */
export const TIMEOUT = 300_000;
