import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { TokenVerifier } from "../../auth/tokens.ts";
import type { PlaceLimits } from "../../limits/concurrency-limit.ts";
import type { LagMeter } from "../../limits/event-loop-delay.ts";
import type { FairShare } from "../../limits/fair-share.ts";
import type { RateLimits } from "../../limits/rate-limit.ts";
import type { RuleOf } from "../access.ts";
import { createAuthorizationInterceptor } from "./authorization.ts";
import { createDeadlineInterceptor } from "./deadline.ts";
import { createErrorInterceptor, type ReportError } from "./errors.ts";
import { fillRequestId } from "./idempotency-key.ts";
import { createIdentityInterceptor } from "./identity.ts";
import { createCallCounter, createOverloadInterceptor, createShareInterceptor } from "./limits.ts";
import { createCallLog, createLogInterceptor } from "./log.ts";
import { createPrivacyInterceptor } from "./privacy.ts";
import { createServerStreamInterceptor } from "./server-streams.ts";
import { createStreamLimitInterceptor } from "./stream-limits.ts";
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
  readonly streams: StreamOptions;
}

/** How the calls whose responses are streams are limited. */
export interface StreamOptions {
  /** Aborts when streams have to end because the service is about to stop. */
  readonly draining: AbortSignal;
  /** Streams at once. */
  readonly places: PlaceLimits;
  /** The longest duration of a stream. When its client opens it again, another instance may be reached. */
  readonly longestMs?: number | undefined;
  /** Bytes of messages, of all streams together, that wait for their clients to take them. */
  readonly maxUnsentBytes?: number | undefined;
}

const longestStreamMs = 30 * 60_000;
const maxUnsentStreamBytes = 16 * 1024 * 1024;

/** What every call passes through, the outermost first, whatever protocol it came by. */
export function createInterceptors(services: readonly DescService[], options: InterceptorOptions): Interceptor[] {
  const { ruleOf, logger, requestTimeoutMs, tokens, rates, lag, fairShare, streams } = options;
  const { draining, places, longestMs = longestStreamMs, maxUnsentBytes = maxUnsentStreamBytes } = streams;
  const believesUsers = tokens === undefined;
  const logCall = createCallLog(logger);
  const report: ReportError = (error, method) =>
    logger.error({ err: error, method }, "a call failed for an unforeseen reason");
  return [
    createServerStreamInterceptor({ logCall, report, draining, maxUnsentBytes }),
    createLogInterceptor(logCall),
    fillRequestId,
    createErrorInterceptor(report),
    createPrivacyInterceptor(ruleOf),
    createDeadlineInterceptor(requestTimeoutMs),
    createOverloadInterceptor(ruleOf, lag, requestTimeoutMs),
    createIdentityInterceptor({ tokens, count: createCallCounter(ruleOf, rates, believesUsers) }),
    createStreamLimitInterceptor({ ruleOf, believesUsers, places, longestMs }),
    createShareInterceptor({ ruleOf, fairShare, believesUsers }),
    createAuthorizationInterceptor({ ruleOf, believesUsers }),
    createValidationInterceptor(services),
  ];
}
