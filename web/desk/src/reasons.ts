/** Reason codes with their sentences, from the generated list. Codes never change, so the list of an older build is still right. */

import list from "../../../docs/REASON-CODES.md?raw";

export interface Reason {
  readonly code: string;
  readonly class: string;
  /** The sentence for staff. */
  readonly meaning: string;
}

export const REASONS: ReadonlyMap<string, Reason> = new Map(
  list
    .split("\n")
    .map((line) => line.split(" | "))
    .flatMap(([first = "", kind = "", , staff = ""]): [string, Reason][] => {
      const code = /^\| `([A-Z][A-Z0-9_]+)`$/.exec(first)?.[1];
      return code === undefined ? [] : [[code, { code, class: kind, meaning: staff.replace(/ \|$/, "").replaceAll("`", "") }]];
    }),
);

export function meaning(code: string): string {
  return REASONS.get(code)?.meaning ?? "This version of the page does not know the code. Reload the page.";
}
