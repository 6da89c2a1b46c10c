/** Who callers are, by the configured mode. */
import type { Logger } from "pino";
import type { AuthConfig } from "../config/load.ts";
import { devRules, devVerificationKey } from "./dev-key.ts";
import { keyFromPem, keysFromUrl } from "./jwks.ts";
import { createRefusalLog } from "./refused.ts";
import { createTokenVerifier, type TokenVerifier } from "./tokens.ts";

/** What verifies callers' tokens; undefined in the mode `none`. Rejects with a TokenKeyError if a key cannot be used. */
export async function openTokenVerifier(
  auth: AuthConfig,
  dataDir: string,
  logger: Logger,
): Promise<TokenVerifier | undefined> {
  const reportRefusal = createRefusalLog(logger);
  switch (auth.mode) {
    case "none":
      return undefined;
    case "dev":
      return createTokenVerifier(devRules, await devVerificationKey(dataDir), reportRefusal);
    case "jwt": {
      const { keys } = auth;
      const report = (error: unknown) => logger.warn({ err: error }, "the keys to check tokens with cannot be fetched");
      return createTokenVerifier(
        auth,
        "url" in keys ? keysFromUrl(keys.url, report) : await keyFromPem(keys.pem, auth.algorithms),
        reportRefusal,
      );
    }
  }
}
