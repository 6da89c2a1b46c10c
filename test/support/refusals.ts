/** Tables of refusals: a method, its reason, and how to come by it, tried by every protocol. */
import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { describe, it } from "vitest";
import type { Reason } from "../../src/domain/failure.ts";
import { callOnce } from "./exchange.ts";
import { type ExpectedRefusal, expectRefusal } from "./expected-answers.ts";
import { type Matrix, protocolsOf } from "./matrix.ts";
import type { Protocol } from "./protocols.ts";

/** A request, and what it is refused with. */
export interface Provocation<Method extends DescMethodUnary> extends Omit<ExpectedRefusal, "reason"> {
  readonly request: MessageInitShape<Method["input"]>;
}

export interface RefusalCase {
  readonly method: DescMethodUnary;
  readonly reason: Reason;
  readonly when: string;
  run(protocol: Protocol, baseUrl: string): Promise<void>;
}

/** One refusal; `arrange` runs anew for each protocol. */
export function refusal<Method extends DescMethodUnary>(
  method: Method,
  reason: Reason,
  when: string,
  arrange: () => Provocation<Method> | Promise<Provocation<Method>>,
): RefusalCase {
  return {
    method,
    reason,
    when,
    async run(protocol, baseUrl) {
      const { request, ...expected } = await arrange();
      expectRefusal(protocol, await callOnce(protocol, baseUrl, method, request), { reason, ...expected });
    },
  };
}

/** Declares a test for each case and protocol, which fills its cell of the matrix. */
export function describeRefusals(cases: readonly RefusalCase[], baseUrl: () => string, matrix: Matrix): void {
  for (const { method, reason, when, run } of cases) {
    describe(`${method.name} answers ${reason} when ${when}`, () => {
      it.each(protocolsOf(method))("by %s", async (protocol) => {
        await run(protocol, baseUrl());
        matrix.fill(method, protocol, reason);
      });
    });
  }
}
