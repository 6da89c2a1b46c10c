import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { createDeadlineInterceptor } from "./deadline.ts";
import { createErrorInterceptor } from "./errors.ts";
import { createLogInterceptor } from "./log.ts";
import { createValidationInterceptor } from "./validation.ts";

/** What every call passes through, the outermost first, whatever protocol it came by. */
export function createInterceptors(
  services: readonly DescService[],
  options: { readonly logger: Logger; readonly requestTimeoutMs: number },
): Interceptor[] {
  const { logger, requestTimeoutMs } = options;
  return [
    createLogInterceptor(logger),
    createErrorInterceptor((error, method) =>
      logger.error({ err: error, method }, "a call failed for an unforeseen reason"),
    ),
    createDeadlineInterceptor(requestTimeoutMs),
    createValidationInterceptor(services),
  ];
}
