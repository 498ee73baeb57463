/** Times as people read them. */

import Box from "@cloudscape-design/components/box";
import { useSyncExternalStore } from "react";

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" });
const ABSOLUTE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

const TIME_OF_DAY = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

/** "3 hours ago", "in 5 days". */
export function relative(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000;
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? [];
  if (!unit || !length) return seconds <= 0 ? "just now" : "in less than a minute";
  return RELATIVE.format(Math.trunc(seconds / length), unit);
}

export function absolute(time: string): string {
  return ABSOLUTE.format(Date.parse(time));
}

export function clock(time: string): string {
  return CLOCK.format(Date.parse(time));
}

/** To the millisecond. */
export function timeOfDay(time: string): string {
  return TIME_OF_DAY.format(Date.parse(time));
}

/** "3 d 4 h", "12 min", "5 s": the two largest units. */
export function duration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor((seconds % 86_400) / 3600), "h"],
    [Math.floor((seconds % 3600) / 60), "min"],
    [seconds < 60 ? Math.round((seconds % 60) * 10) / 10 : Math.floor(seconds % 60), "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

const TICK = 15_000;
let tick = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) tick = Date.now();
  listeners.add(listener);
  timer ??= setInterval(() => {
    tick = Date.now();
    for (const each of listeners) each();
  }, TICK);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The present time, renewed every quarter of a minute. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => tick);
}

/** A time relative to now, with the time itself below it or in a tooltip. */
export function Time({ at, inline = false }: { readonly at: string; readonly inline?: boolean }) {
  const now = useNow();
  return (
    <time dateTime={at} title={inline ? absolute(at) : undefined}>
      {relative(at, now)}
      {!inline && (
        <Box variant="small" display="block" color="text-body-secondary">
          {absolute(at)}
        </Box>
      )}
    </time>
  );
}
