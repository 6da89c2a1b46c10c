/** A threshold with the figure that is compared with it. */
import type { Protocol } from "./requests.ts";
import { type Figure, figureOf } from "./statistics.ts";

/** What a figure must not fall below, or must not exceed. */
export type Limit = { readonly atLeast: number } | { readonly atMost: number };

/** One threshold, and the figure that is compared with it. */
export interface Check {
  readonly what: string;
  readonly protocol: Protocol;
  readonly limit: Limit;
  /** In percent rather than as a factor. */
  readonly unit: "x" | "%" | "";
  /** Undefined when it was not measured. */
  readonly figure: Figure | undefined;
}

/** Whether a threshold is met; undefined when it was not measured. A figure of several rounds is its median. */
export function isMet({ figure, limit }: Check): boolean | undefined {
  if (!figure) return undefined;
  return "atLeast" in limit ? figure.median >= limit.atLeast : figure.median <= limit.atMost;
}

/** For a figure that no round may exceed: the highest round takes the place of the median. */
export function worst(values: readonly number[]): Figure | undefined {
  const figure = figureOf(values);
  return figure && { ...figure, median: figure.highest };
}
