/** Calls by the callers of the permission matrix that have to be answered, or refused. */
import type { DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import { callOnce } from "../protocols/call-once.ts";
import type { Protocol } from "../protocols/protocols.ts";
import { type ExpectedRefusal, expectRefusal } from "./expected-answers.ts";
import { type BadCaller, type Caller, type CallerHeaders, type RefusalWord, refusals } from "./permissions.ts";
import type { Request } from "./scenario.ts";

export interface CallAs {
  /** A call that has to be answered. */
  allowed<Method extends DescMethodUnary>(
    caller: Caller | BadCaller,
    protocol: Protocol,
    method: Method,
    request: Request<Method>,
  ): Promise<{ message: MessageShape<Method["output"]>; replayed: string | undefined }>;
  /** A call that has to be refused as expected. */
  refused<Method extends DescMethodUnary>(
    caller: Caller | BadCaller,
    protocol: Protocol,
    method: Method,
    request: Request<Method>,
    expected: RefusalWord | ExpectedRefusal,
  ): Promise<void>;
}

export function createCallAs(baseUrl: string, headersOf: CallerHeaders): CallAs {
  return {
    async allowed(caller, protocol, method, request) {
      const { outcome } = await callOnce(protocol, baseUrl, method, request, { headers: headersOf[caller] });
      if (!outcome.ok) throw new Error(`${caller} by ${protocol}: ${outcome.message}`);
      return outcome;
    },
    async refused(caller, protocol, method, request, expected) {
      const answer = await callOnce(protocol, baseUrl, method, request, { headers: headersOf[caller] });
      expectRefusal(protocol, answer, typeof expected === "string" ? refusals[expected] : expected);
    },
  };
}
