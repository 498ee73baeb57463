/** Which forms have something that would be lost if the page were left. */

import { useEffect } from "react";

const forms = new Set<string>();

export function hasUnsaved(): boolean {
  return forms.size > 0;
}

export function forgetUnsaved(): void {
  forms.clear();
}

export function useUnsaved(form: string, isUnsaved: boolean): void {
  useEffect(() => {
    if (!isUnsaved) return undefined;
    forms.add(form);
    return () => void forms.delete(form);
  }, [form, isUnsaved]);
}

addEventListener("beforeunload", (event) => {
  if (hasUnsaved()) event.preventDefault();
});
