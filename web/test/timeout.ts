/** Milliseconds after which a test fails because an event did not happen. No test depends on the speed of the machine. */
export const TIMEOUT = 300_000;
