import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { TokenVerifier } from "../../identity/tokens.ts";
import type { FairShare } from "../../limits/fair-share.ts";
import type { LagMeter } from "../../limits/lag.ts";
import type { RateLimits } from "../../limits/rates.ts";
import type { RuleOf } from "../access.ts";
import { createAuthorizationInterceptor } from "./authorization.ts";
import { createDeadlineInterceptor } from "./deadline.ts";
import { createErrorInterceptor } from "./errors.ts";
import { fillRequestId } from "./idempotency-key.ts";
import { createIdentityInterceptor } from "./identity.ts";
import { createCallCounter, createOverloadInterceptor, createShareInterceptor } from "./limits.ts";
import { createLogInterceptor } from "./log.ts";
import { createPrivacyInterceptor } from "./privacy.ts";
import { createValidationInterceptor } from "./validation.ts";

export interface InterceptorOptions {
  readonly ruleOf: RuleOf;
  readonly logger: Logger;
  readonly requestTimeoutMs: number;
  /** Undefined if callers show no tokens. */
  readonly tokens: TokenVerifier | undefined;
  readonly rates: RateLimits;
  readonly lag: LagMeter;
  readonly fairShare: FairShare;
}

/** What every call passes through, the outermost first, whatever protocol it came by. */
export function createInterceptors(services: readonly DescService[], options: InterceptorOptions): Interceptor[] {
  const { ruleOf, logger, requestTimeoutMs, tokens, rates, lag, fairShare } = options;
  const believesUsers = tokens === undefined;
  return [
    createLogInterceptor(logger),
    fillRequestId,
    createErrorInterceptor((error, method) =>
      logger.error({ err: error, method }, "a call failed for an unforeseen reason"),
    ),
    createPrivacyInterceptor(ruleOf),
    createDeadlineInterceptor(requestTimeoutMs),
    createOverloadInterceptor(ruleOf, lag),
    createIdentityInterceptor({ tokens, count: createCallCounter(ruleOf, rates, believesUsers) }),
    createShareInterceptor({ ruleOf, fairShare, believesUsers }),
    createAuthorizationInterceptor({ ruleOf, believesUsers }),
    createValidationInterceptor(services),
  ];
}
