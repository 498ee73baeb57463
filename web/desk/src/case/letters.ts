/** Which letters of a text are not in another one, and one form for all dates. */

import { diffChars } from "diff";

export interface Part {
  readonly text: string;
  readonly differs: boolean;
}

/** The parts of `text`, marked where any of `others` has other letters. Upper and lower case are the same letter. */
export function compareLetters(text: string, others: readonly string[]): Part[] {
  const characters = Array.from(text);
  const differs = characters.map(() => false);
  for (const other of others) {
    let position = 0;
    for (const change of diffChars(text, other, { ignoreCase: true })) {
      if (change.added) continue;
      const length = Array.from(change.value).length;
      if (change.removed) differs.fill(true, position, position + length);
      position += length;
    }
  }
  const parts: { text: string; differs: boolean }[] = [];
  characters.forEach((character, index) => {
    const last = parts.at(-1);
    const isMarked = differs[index] === true;
    if (last?.differs === isMarked) last.text += character;
    else parts.push({ text: character, differs: isMarked });
  });
  return parts;
}

/** A date of the details (month/day/year, docs/PACKAGES.md) in the form of the document's dates; any other text as it is. */
export function isoDate(text: string): string {
  const [, month, day, year] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text.trim()) ?? [];
  return month && day && year ? `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}` : text;
}
