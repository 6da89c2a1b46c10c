/** Who may call what: every method by every caller and protocol. The expected answers are in `test/methods`. */
import { type DescMethodUnary, getOption } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { access } from "../gen/frontrow/v1/access_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { http } from "../gen/google/api/annotations_pb.ts";
import { methods, scenarios } from "./methods/index.ts";
import { createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { type Answer, callOnce } from "./support/protocols/call-once.ts";
import type { Protocol } from "./support/protocols/protocols.ts";
import { expectRefusal } from "./support/scenario/expected-answers.ts";
import { createMatrix, declaredReasons, protocolsOf } from "./support/scenario/matrix.ts";
import {
  type BadCaller,
  badCredentials,
  type CallerHeaders,
  callerHeaders,
  challengeFor,
  type RefusalWord,
  refusals,
  seesChallenge,
  subjects,
  toolChallengeFor,
  type Word,
} from "./support/scenario/permissions.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, type Stage } from "./support/service/stage.ts";

let service: TestService;
/** Takes every caller at its word, on the same database: creates what the callers find. */
let open: TestService;
let stage: Stage;
let concert: Concert;
let headersOf: CallerHeaders;
let tables: readonly string[];

beforeAll(async () => {
  const issuer = await createTokenIssuer();
  headersOf = await callerHeaders(issuer);
  service = await startTestService(trusting(issuer));
  open = await startTestService({}, service.database);
  stage = createStage(open.baseUrl);
  concert = await stage.concert({ totalTickets: 1_000_000 });
  for (const userId of ["nora", "otto"]) await stage.booking(concert, { userId });
  const rows = await service.database.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
  );
  tables = rows.map(({ name }) => name);
});
afterAll(async () => {
  await open.close();
  await service.close();
});

/** A digest of every table. */
async function stored(): Promise<unknown> {
  const digests = tables.map((table) => `(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ${table} t)`);
  return await service.database.query(`SELECT ${digests.map((digest, i) => `${digest} AS "${tables[i]}"`)}`);
}

const urlFor = (protocol: Protocol) => (protocol === "gRPC" ? service.grpcUrl : service.baseUrl);

function expectRefused(protocol: Protocol, answer: Answer<unknown>, word: RefusalWord): void {
  expectRefusal(protocol, answer, refusals[word]);
  const { exchange } = answer;
  if (!seesChallenge(protocol, exchange)) return;
  const challenge = protocol === "MCP" ? toolChallengeFor(word, service.baseUrl) : challengeFor(word);
  expect(exchange.headers.get("www-authenticate"), protocol).toBe(challenge);
}

const reasons = createMatrix();
const callers = [...Object.keys(subjects), ...Object.keys(badCredentials)] as (keyof CallerHeaders)[];
const isBad = (caller: keyof CallerHeaders): caller is BadCaller => caller in badCredentials;

describe.each(callers)("%s", (caller) => {
  const user = isBad(caller) ? "" : subjects[caller];
  const cases = scenarios.flatMap(({ method, permissions }) =>
    permissions.map(({ answers, ...permission }) => {
      const word: Word = isBad(caller) ? badCredentials[caller] : answers[caller];
      return {
        ...permission,
        method,
        word,
      };
    }),
  );
  it.each(cases)("$method.name $what: $word", async ({ method, request, check, word }) => {
    const protocols = protocolsOf(method);
    const found = { stage, concert, database: service.database };
    // A refused request changes nothing, so that one request does for all protocols.
    const requests = await Promise.all((word === "ok" ? protocols : [method]).map(() => request(found)));
    const before = word === "ok" ? undefined : await stored();
    const headers = headersOf[caller];
    const calls = protocols.map((protocol, i) =>
      callOnce(protocol, urlFor(protocol), method, requests[i] ?? requests[0] ?? {}, { headers }),
    );
    for (const [i, answer] of (await Promise.all(calls)).entries()) {
      const protocol = protocols[i] ?? expect.unreachable();
      if (word !== "ok") {
        expectRefused(protocol, answer, word);
        reasons.fill(method, protocol, refusals[word].reason);
      } else if (answer.outcome.ok) check(answer.outcome.message, user, found);
      else expect.unreachable(`${protocol}: ${answer.outcome.message}`);
    }
    if (before !== undefined) expect(await stored()).toEqual(before);
  });
});

describe("the matrix", () => {
  it("has permissions for every method", () => {
    // Of a user's data: the caller's own, another user's, and, where the request may leave the user out, without one.
    const fewest = ({ method }: (typeof scenarios)[number]) => {
      const { scopeForOthers, userField } = getOption(method, access);
      return scopeForOthers === "" ? 1 : userField === "" ? 2 : 3;
    };
    expect(scenarios.filter((scenario) => scenario.permissions.length < fewest(scenario))).toEqual([]);
    expect(scenarios.map(({ method }) => method)).toEqual(methods);
  });

  it("has checked that every method refuses callers for each reason that the schema declares", () => {
    const ofCallers = ["UNAUTHENTICATED", "MISSING_SCOPE", "NOT_BOOKING_OWNER", "BOOKING_NOT_FOUND"];
    const isOpen = (method: DescMethodUnary) => getOption(method, access).scope === "";
    reasons.expectComplete((method) =>
      declaredReasons(method).filter(
        (reason) => ofCallers.includes(reason) && !(isOpen(method) && reason === "MISSING_SCOPE"),
      ),
    );
  });

  it("has called every REST path, because each method has one", () => {
    const rules = methods.map((method) => getOption(method, http));
    expect(rules.filter(({ pattern, additionalBindings }) => !pattern.case || additionalBindings.length > 0)).toEqual(
      [],
    );
  });

  it("has every method that is served", () => {
    const served = [ConcertService, BookingService].flatMap((each) => each.methods);
    expect(served.filter(({ methodKind }) => methodKind !== "unary")).toEqual([]);
    expect(methods).toEqual(served);
  });
});

it("keeps the database's invariants", () => service.database.checkInvariants());
