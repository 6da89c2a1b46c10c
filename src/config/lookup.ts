import type { Setting } from "./settings.ts";
import type { Given } from "./sources.ts";

/** Answers for all sources together. */
export interface Lookup {
  /** What the strongest source gives, if any does. */
  given(setting: Setting): Given | undefined;
  /** The value in force of a setting that has a default. */
  value<T>(setting: Setting<T, string>): T;
  /** The value in force of a setting that has none. */
  optional<T>(setting: Setting<T, undefined>): T | undefined;
}

/** Takes what the sources give, weakest first, all of it found sound before. */
export function createLookup(all: readonly Given[]): Lookup {
  const given: Lookup["given"] = (setting) => all.findLast((one) => one.setting === setting);
  return {
    given,
    value: (setting) => interpret(setting, given(setting)?.text ?? setting.defaultText),
    optional: (setting) => {
      const text = given(setting)?.text;
      return text === undefined ? undefined : interpret(setting, text);
    },
  };
}

function interpret<T>(setting: Setting<T>, text: string): T {
  const parsed = setting.kind.parse(text);
  if ("problem" in parsed) throw new Error(`a value of ${setting.path} was used unchecked: ${parsed.problem}`);
  return parsed.value;
}
