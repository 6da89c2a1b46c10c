import { holds, type Setting } from "./schema.ts";
import type { Values } from "./sources.ts";

/** No transaction that confirms a hold takes so long: a hold must not be deleted meanwhile. */
const deletionMarginMs = 3_600_000;

/** What is wrong with the settings of holds, taken together. */
export function holdProblems(values: Values): string[] {
  const { holdTtlMs, holdTtlMaxMs, holdLifetimeMs, lateConfirmMs, holdRetentionMs } = holds;
  const named = (setting: Setting<number>) =>
    `${values.nameOf(setting) ?? setting.environmentName} (${values.get(setting) / 1_000}s)`;
  const requireOrder = (shorter: Setting<number>, longer: Setting<number>, why: string) =>
    values.get(shorter) <= values.get(longer) ? [] : [`${named(shorter)} is longer than ${named(longer)}: ${why}`];
  const isDeletedTooSoon = values.get(holdRetentionMs) < values.get(lateConfirmMs) + deletionMarginMs;
  return [
    ...requireOrder(holdTtlMs, holdTtlMaxMs, "the default must be a ttl that a request may have"),
    ...requireOrder(holdTtlMaxMs, holdLifetimeMs, "no hold lives longer than its lifetime"),
    ...(isDeletedTooSoon
      ? [
          `${named(holdRetentionMs)} is not an hour longer than ${named(lateConfirmMs)}: a deleted hold cannot be confirmed`,
        ]
      : []),
  ];
}
