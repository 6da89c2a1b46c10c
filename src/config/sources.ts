import type { Setting } from "./settings.ts";

/** A setting as one source gives it, not yet interpreted. */
export interface Given {
  readonly setting: Setting;
  readonly text: string;
  /** The setting in the spelling of its source, so that an error points at what to change. */
  readonly name: string;
}

/** What was found in one source. */
export interface SourceContent {
  readonly given: readonly Given[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** The leading part of an unknown name that is fit to print: after a colon or a blank a secret may stand. */
export function printableName(name: string): string {
  return name.replace(/[^\w.-].*$/s, "...");
}
