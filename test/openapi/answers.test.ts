/**
 * The answers of the service to every operation, compared with the document: successes and refusals of the scenarios in
 * test/methods, and each other status, provoked for every operation. At the end every status that is described has been seen.
 */
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scenarios } from "../methods/index.ts";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { readDocument } from "../support/openapi/document.ts";
import { type Exchange, faultsOfAnswer } from "../support/openapi/exchange.ts";
import { callOnce, expectDescribed } from "../support/protocols/call-once.ts";
import { supports } from "../support/protocols/protocols.ts";
import type { Existing, Success } from "../support/scenario/scenario.ts";
import { startTestService, type TestService } from "../support/service/service.ts";
import { createStage, type Stage } from "../support/service/stage.ts";
import { createExisting } from "./support/existing.ts";
import { provocations } from "./support/provocations.ts";
import { rightRequestOf, send } from "./support/requests.ts";

const document = readDocument();
const { operations } = document;
/** Operations and the statuses that they have answered, such as `GetConcert 200`. */
const seen = new Set<string>();

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function note({ method, target, status }: Pick<Exchange, "method" | "target" | "status">): void {
  seen.add(`${document.find(method, target.split("?", 1)[0] ?? "")?.operationId} ${status}`);
}

describe("a scenario", () => {
  let service: TestService;
  let stage: Stage;
  beforeAll(async () => {
    service = await startTestService({ APP_MAX_TICKETS_PER_BOOKING: "4", APP_MAX_HOLDS_PER_USER: "2" }, database);
    stage = createStage(service.baseUrl);
  });
  afterAll(() => service.close());

  const cells = scenarios.flatMap((scenario) =>
    (["REST", "Connect JSON", "Connect GET"] as const)
      .filter((protocol) => supports(protocol, scenario.method))
      .map((protocol) => [scenario.method.name, protocol, scenario] as const),
  );
  it.each(cells)("of %s by %s has answers that the document describes", async (_, protocol, scenario) => {
    const { method, successes, refusals } = scenario;
    const scene = { stage, database, protocol };
    const call: Parameters<Success<DescMethodUnary>["run"]>[0] = async (request, _expected, options) => {
      const { outcome, exchange } = await callOnce(protocol, service.baseUrl, method, request, options);
      if (!outcome.ok || !exchange) throw new Error(`refused: ${JSON.stringify(outcome)}`);
      expectDescribed(protocol, exchange);
      note(exchange);
      return outcome.message;
    };
    for (const { run } of successes) await run(call, scene);
    for (const { arrange } of refusals) {
      const { request } = await arrange(scene);
      const { outcome, exchange } = await callOnce(protocol, service.baseUrl, method, request);
      expect(outcome).toMatchObject({ ok: false });
      if (exchange) note(exchange);
    }
  });
});

describe.each(provocations)("$status by $by", ({ status, of, settings = {}, headers = {}, ...provocation }) => {
  let service: TestService;
  let existing: Existing;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    existing = await createExisting(database);
    service = stack.use(await startTestService(settings, database));
    const undo = await provocation.arrange?.(database);
    if (undo) stack.defer(async () => void (await undo()));
  });
  afterAll(() => stack.disposeAsync());

  const chosen = operations.filter(of).map((operation) => [operation.operationId, operation] as const);
  it.each(chosen)("is an answer of %s that the document describes", async (_, operation) => {
    const { before = 0, change = (request) => request } = provocation;
    const request = change(rightRequestOf(operation, existing));
    const ask = () => send(service.baseUrl, request, { "cache-control": "no-cache", ...headers });
    for (let sent = 0; sent < before; sent++) await ask();
    const answer = await ask();
    expect(answer).toMatchObject({ status });
    expect(faultsOfAnswer(document, answer)).toEqual([]);
    note(answer);
  });
});

it("every status that the document describes is one that the tests have seen", () => {
  const described = operations.flatMap(({ operationId, responses }) =>
    Object.keys(responses)
      .filter((status) => status !== "default")
      .map((status) => `${operationId} ${status}`),
  );
  expect(described.filter((each) => !seen.has(each))).toEqual([]);
});
