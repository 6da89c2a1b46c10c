/** The messages between the primary process and its workers: JSON over the channel that Node opens between them. */
import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { Lane, LimitKey } from "../limits/limit-key.ts";
import type { Allowance } from "../limits/rate-limit.ts";
import type { DatabaseAddress } from "../store/store.ts";

/** A call to count against rate limits. */
export interface CountedCall {
  readonly lane: Lane;
  readonly keys: readonly LimitKey[];
  readonly cost: number;
}

export interface Ports {
  readonly restPort: number;
  readonly grpcPort: number;
}

/** What a worker starts with. The rest of its configuration is in the arguments and the environment, as the primary's. */
export interface StartOrder {
  /** From 1 up. A worker that replaces another has its number. */
  readonly worker: number;
  /** How many share the machine. */
  readonly workers: number;
  /** Undefined for the first one, which opens the ports of the configuration. */
  readonly ports: Ports | undefined;
  /** The configuration file, as the primary has read it: null if it does not exist. A replacement must not read another. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly address: DatabaseAddress;
}

/** Metrics as prom-client's registries write them. */
export type MetricList = readonly MetricObjectWithValues<MetricValue<string>>[];

/** From the primary to a worker. `id` is that of the question which it answers. */
export type ToWorker =
  | ({ readonly type: "start" } & StartOrder)
  | { readonly type: "stop"; readonly atOnce: boolean }
  | { readonly type: "counted"; readonly id: number; readonly allowances: readonly (Allowance | null)[] }
  | { readonly type: "entered"; readonly id: number; readonly isAllowed: boolean }
  | { readonly type: "metrics"; readonly id: number };

/** What concerns all workers, and is counted by the primary. */
export type LimitMessage =
  | { readonly type: "count"; readonly id: number; readonly calls: readonly CountedCall[] }
  | { readonly type: "enter"; readonly id: number; readonly address: string }
  /** The connection with which `id` entered has closed. */
  | { readonly type: "leave"; readonly id: number };

/** The state of a worker. */
type StateMessage =
  /** Once a second. */
  | { readonly type: "alive" }
  /** Its start is done. */
  | ({ readonly type: "serving" } & Ports)
  /** Its start or its stop has failed: the sentence for the operator. */
  | { readonly type: "failed"; readonly sentence: string };

/** What the parts of the primary answer, or have asked for. */
export type PartMessage =
  | LimitMessage
  | { readonly type: "metrics"; readonly id: number; readonly metrics: MetricList };

/** From a worker to the primary. */
export type ToPrimary = StateMessage | PartMessage;
