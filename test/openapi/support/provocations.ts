/** How to provoke the statuses that the scenarios of the methods do not. */
import { allScopes, bearer, createTokenIssuer, trusting } from "../../support/auth/tokens.ts";
import type { TestDatabase } from "../../support/database/database.ts";
import { holdLock, patientSettings } from "../../support/database/locks.ts";
import type { Operation } from "../../support/openapi/document.ts";
import type { Settings } from "../../support/service/service.ts";
import { type HttpRequest, isConnect } from "./requests.ts";

/** A status, and what makes right requests be answered with it. */
export interface Provocation {
  readonly status: number;
  readonly by: string;
  readonly of: (operation: Operation) => boolean;
  readonly settings?: Settings;
  readonly headers?: Readonly<Record<string, string>>;
  readonly change?: (request: HttpRequest) => HttpRequest;
  /** How often the request is sent before the one that counts. */
  readonly before?: number;
  /** Prepares the database, and returns what undoes that. */
  readonly arrange?: (database: TestDatabase) => Promise<() => Promise<unknown>>;
}

const all = () => true;
const isRead = ({ httpMethod }: Operation) => httpMethod === "GET";
const hasBody = ({ requestBody }: Operation) => requestBody !== undefined;
const describes =
  (status: number) =>
  ({ responses }: Operation) =>
    status in responses;
/** Whether no call without a token is allowed. */
const needsScope = ({ security }: Operation) => security.every((each) => Object.keys(each).length > 0);

const lockTables = async (database: TestDatabase) => {
  const held = await holdLock(database, "LOCK TABLE concerts, bookings IN ACCESS EXCLUSIVE MODE");
  return () => held.release();
};

const renameTables = async (database: TestDatabase) => {
  const rename = (from: string, to: string) =>
    database.query(
      ["concerts", "bookings"].map((table) => `ALTER TABLE ${from}${table} RENAME TO ${to}${table}`).join("; "),
    );
  await rename("", "hidden_");
  return () => rename("hidden_", "");
};

const issuer = await createTokenIssuer();
const withTokens = trusting(issuer);
const onePerMinute = Object.fromEntries(
  ["READS", "BOOKINGS", "SETTLEMENTS", "ADMIN"].map((kind) => [`APP_RATE_LIMIT_${kind}`, "1"]),
);

/** One or more for every status that an operation may describe, except for those of the scenarios. */
export const provocations: readonly Provocation[] = [
  { status: 304, by: "If-None-Match", of: isRead, headers: { "if-none-match": "*" } },
  { status: 412, by: "If-Match", of: describes(412), headers: { "if-match": '"0-other"' } },
  {
    ...{ status: 413, by: "a long body", of: (operation) => hasBody(operation) && !isConnect(operation) },
    settings: { APP_MAX_BODY_BYTES: "16384" },
    change: (request) => ({ ...request, body: request.body + " ".repeat(20_000) }),
  },
  { status: 415, by: "a body that is not JSON", of: hasBody, headers: { "content-type": "text/plain" } },
  {
    ...{ status: 501, by: "an unknown encoding", of: (operation) => hasBody(operation) && isConnect(operation) },
    headers: { "content-encoding": "br" },
  },
  { status: 401, by: "a bad token", of: all, settings: withTokens, headers: bearer("junk") },
  { status: 401, by: "no token", of: needsScope, settings: withTokens },
  {
    ...{ status: 403, by: "a token without scopes", of: needsScope, settings: withTokens },
    headers: bearer(await issuer.sign({ sub: "nora", scope: "" })),
  },
  {
    ...{ status: 403, by: "a page of another host", of: all, settings: { APP_AUTH_MODE: "dev" } },
    headers: { origin: "https://other.example" },
  },
  {
    ...{ status: 429, by: "too many calls", of: all, before: 1, settings: { ...withTokens, ...onePerMinute } },
    headers: bearer(await issuer.sign({ sub: "nora", scope: allScopes })),
  },
  {
    ...{ status: 503, by: "a database that is busy", of: all, arrange: lockTables },
    settings: { APP_LOCK_TIMEOUT: "50ms", APP_STATEMENT_TIMEOUT: "200ms", APP_MAX_RETRIES: "0" },
  },
  {
    ...{ status: 504, by: "a deadline", of: all, settings: patientSettings, arrange: lockTables },
    headers: { "connect-timeout-ms": "100" },
  },
  { status: 500, by: "a fault", of: all, arrange: renameTables },
];
