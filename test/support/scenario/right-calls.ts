/** Calls of every method that succeed while the service and its database work. */
import { randomUUID } from "node:crypto";
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { rightRequest, scenarios } from "../../methods/index.ts";
import { type Answer, callOnce } from "../protocols/call-once.ts";
import { type CallOptions, type Protocol, protocols, supports } from "../protocols/protocols.ts";
import type { Stage } from "../service/stage.ts";
import { declaredReasons } from "./matrix.ts";
import type { Scenario } from "./scenario.ts";

export interface PreparedCall {
  readonly method: DescMethodUnary;
  /** Whether repeating it is safe: it carries a request_id, or its method is idempotent. */
  readonly repeatable: boolean;
  /** Whether it has a request_id, which tools require. Undefined if its method takes none. */
  readonly hasKey: boolean | undefined;
  run(protocol: Protocol, baseUrl: string, options?: CallOptions): Promise<Answer<unknown>>;
}

/** A call to be made by one protocol. */
interface PlannedCall {
  readonly call: PreparedCall;
  readonly protocol: Protocol;
}

/** A call and its answer. */
export interface Attempt extends PlannedCall {
  readonly answer: Answer<unknown>;
}

/** The right calls of some methods, with a request_id and without where there is one. No two touch the same row. */
async function prepare(stage: Stage, some: readonly Scenario[]): Promise<readonly PreparedCall[]> {
  const calls: PreparedCall[] = [];
  for (const scenario of some) {
    const { method } = scenario;
    const hasKey = method.input.fields.some(({ name }) => name === "request_id");
    for (const requestId of hasKey ? [randomUUID(), ""] : [""]) {
      const concert = await stage.concert();
      const [booking, hold] = [await stage.booking(await stage.concert()), await stage.hold(await stage.concert())];
      const existing = { concert, booking, hold };
      const request = Object.assign(rightRequest(scenario, existing), hasKey ? { requestId } : {});
      calls.push({
        method,
        repeatable: requestId !== "" || method.idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT,
        hasKey: hasKey ? requestId !== "" : undefined,
        run: (protocol, baseUrl, options) => callOnce(protocol, baseUrl, method, request, options),
      });
    }
  }
  return calls;
}

/** Whether a call that is cut off may have stored something. */
export const isWrite = (method: DescMethodUnary) => declaredReasons(method).includes("OUTCOME_UNKNOWN");

/** Calls of every write. */
export const prepareWrites = (stage: Stage) =>
  prepare(
    stage,
    scenarios.filter(({ method }) => isWrite(method)),
  );

/** Calls of every method. */
export const prepareCalls = (stage: Stage) => prepare(stage, scenarios);

export type Batch = readonly PlannedCall[];

/** Calls for each protocol that can make them, prepared anew for each. */
export async function prepareBatch(prepare: () => Promise<readonly PreparedCall[]>): Promise<Batch> {
  const batch: PlannedCall[] = [];
  for (const protocol of protocols) {
    const calls = (await prepare()).filter(
      ({ method, hasKey }) => supports(protocol, method) && (protocol !== "MCP" || hasKey !== false),
    );
    batch.push(...calls.map((call) => ({ call, protocol })));
  }
  return batch;
}

/** Makes all calls at once. */
export function attemptAll(
  batch: Batch,
  baseUrl: string,
  optionsOf: (protocol: Protocol) => CallOptions = () => ({}),
): Promise<Attempt[]> {
  return Promise.all(
    batch.map(async ({ call, protocol }) => {
      const answer = await call.run(protocol, baseUrl, optionsOf(protocol));
      return { call, protocol, answer };
    }),
  );
}
