/** Light or dark: as the system says, until the reviewer chooses. The choice is kept. */

import { applyDensity, applyMode, Density, Mode } from "@cloudscape-design/global-styles";
import { useSyncExternalStore } from "react";

const KEY = "bonafide-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function isDark(): boolean {
  const chosen = localStorage.getItem(KEY);
  return chosen === null ? system.matches : chosen === "dark";
}

export function applyTheme(): void {
  applyMode(isDark() ? Mode.Dark : Mode.Light);
  applyDensity(Density.Compact);
  for (const listener of listeners) listener();
}

system.addEventListener("change", applyTheme);

export function chooseTheme(dark: boolean): void {
  localStorage.setItem(KEY, dark ? "dark" : "light");
  applyTheme();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useIsDark(): boolean {
  return useSyncExternalStore(subscribe, isDark);
}
