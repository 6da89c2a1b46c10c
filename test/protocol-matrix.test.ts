/** Every method's successes and refusals, by every protocol on both ports. The expected answers are in `test/methods`. */
import { type DescMethodUnary, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  codeName,
  codesOf,
  describeReason,
  ErrorOrigin,
  type ReasonName,
  RetryDelay,
  reasonsFrom,
} from "../src/rpc/reasons.ts";
import { httpStatusesOf } from "../src/transport/http-errors.ts";
import { methods, missingFiles, scenarios } from "./methods/index.ts";
import { type CallExchange, callOnce, expectDescribed } from "./support/protocols/call-once.ts";
import type { Protocol } from "./support/protocols/protocols.ts";
import {
  callerReasons,
  expectedAnswers,
  expectRefusal,
  outcomeUnknownWithoutKey,
  streamReasons,
  troubles,
} from "./support/scenario/expected-answers.ts";
import { createMatrix, declaredReasons, protocolsOf } from "./support/scenario/matrix.ts";
import type { ExpectedResponse, Scenario, Success } from "./support/scenario/scenario.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, type Stage } from "./support/service/stage.ts";

let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService({ APP_MAX_TICKETS_PER_BOOKING: "4", APP_MAX_HOLDS_PER_USER: "2" });
  stage = createStage(service.baseUrl);
});
afterAll(() => service.close());

it("has a file in test/methods for every method of the schema", () => {
  expect(missingFiles).toEqual([]);
  expect(scenarios.map(({ method }) => method)).toEqual(methods);
});

const ports = ["REST port", "gRPC port"] as const;

describe.each(ports)("on the %s", (port) => {
  const matrix = createMatrix();
  const urlOf = () => (port === "REST port" ? service.baseUrl : service.grpcUrl);
  const sceneOf = (protocol: Protocol) => ({ protocol, stage, database: service.database });

  for (const scenario of scenarios) {
    const { method, successes, refusals } = scenario;
    describe.each(successes)(`${method.name} $what`, (success) => {
      it.each(protocolsOf(method))("by %s", async (protocol) => {
        await runSuccess(scenario, success, protocol, urlOf());
        matrix.fill(method, protocol, "success");
      });
    });

    describe.each(refusals)(`${method.name} answers $reason when $when`, ({ reason, arrange }) => {
      const { metadata: declared } = describeReason(reason as ReasonName);
      it.each(protocolsOf(method))("by %s", async (protocol) => {
        const { request, ...expected } = await arrange(sceneOf(protocol));
        expect(Object.keys(expected.metadata ?? {})).toEqual(declared);
        expectRefusal(protocol, await callOnce(protocol, urlOf(), method, request), { reason, ...expected });
        matrix.fill(method, protocol, reason);
      });
    });
  }

  async function runSuccess({ method }: Scenario, success: Success<DescMethodUnary>, protocol: Protocol, url: string) {
    const { run } = success;
    await run(async (request, expectedOf, options) => {
      const { outcome, exchange } = await callOnce(protocol, url, method, request, options);
      if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome)}`);
      const { message, replayed } = outcome;
      const expected = await expectedOf(message);
      const json = toJson(method.output, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
      expect(json).toEqual(expected.body);
      expect(replayed).toBe(expected.replayed ? "true" : undefined);
      if (exchange) expectExchange(protocol, exchange, expected);
      return message;
    }, sceneOf(protocol));
  }

  it("has checked that every method succeeds, and every refusal that the schema declares, by every protocol", () => {
    matrix.expectComplete((method) => ["success", ...ownReasons(method)]);
  });
});

/** The reasons that other tests provoke. */
const elsewhere: readonly string[] = [...troubles, ...callerReasons];

/** The declared reasons whose answers this file checks. */
function ownReasons(method: DescMethodUnary): string[] {
  const scenario = scenarios.find((each) => each.method === method);
  const others = [...elsewhere, ...(scenario?.refusedCallers ?? [])];
  return declaredReasons(method).filter((reason) => !others.includes(reason));
}

/** Checks what the protocol itself has: the HTTP parts, and the JSON as it was sent. */
function expectExchange(protocol: Protocol, exchange: CallExchange, expected: ExpectedResponse) {
  const { requestType, status, headers, body, method } = exchange;
  const { location } = expected;
  expectDescribed(protocol, exchange);
  const sentType = headers.get("content-type");
  expect(headers.get("idempotency-replayed")).toBe(expected.replayed ? "true" : null);
  if (protocol === "REST") {
    expect(JSON.parse(body)).toEqual(expected.body);
    expect({ status, location: headers.get("location"), sentType }).toEqual({
      status: location ? 201 : 200,
      location: location ?? null,
      sentType: "application/json; charset=utf-8",
    });
    return;
  }
  expect(status).toBe(200);
  if (protocol === "gRPC-Web") {
    expect({ requestType, sentType }).toEqual({
      requestType: "application/grpc-web+proto",
      sentType: "application/grpc-web+proto",
    });
  } else if (protocol === "MCP") {
    const { result } = JSON.parse(body);
    expect(result.structuredContent).toEqual(expected.body);
    expect(JSON.parse(result.content[0].text)).toEqual(expected.body);
    expect(sentType).toBe("application/json; charset=utf-8");
  } else {
    expect(JSON.parse(body)).toEqual(camelCased(expected.body));
    expect(sentType).toBe("application/json");
    expect(method).toBe(protocol === "Connect GET" ? "GET" : "POST");
  }
}

/** JSON with ProtoJSON's own names, which Connect uses. */
function camelCased(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(camelCased);
  if (typeof json !== "object" || json === null || "asymmetricMatch" in json) return json;
  const camelCase = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [camelCase(name), camelCased(value)]));
}

describe("the reasons", () => {
  it("that other tests provoke are those of any method, and OUTCOME_UNKNOWN", () => {
    const ofAnyMethod = [...elsewhere, "INVALID_REQUEST"].sort();
    expect(ofAnyMethod).toEqual([...reasonsFrom(ErrorOrigin.ANY_METHOD), "OUTCOME_UNKNOWN"].sort());
    expect(streamReasons).toEqual(reasonsFrom(ErrorOrigin.STREAM));
  });

  it.each(scenarios.map(({ method, refusals }) => [method.name, method, refusals] as const))(
    "of %s have the same answer in every scenario",
    (_, __, refusals) => {
      for (const { reason, answer } of refusals) expect(expectedAnswers.get(reason)).toMatchObject(answer);
    },
  );

  const declared = [...new Set(methods.flatMap(declaredReasons)), ...streamReasons];

  it("that are expected are those of the schema", () => {
    expect([...declared].sort()).toEqual([...expectedAnswers.keys()].sort());
  });

  it.each(declared)("have the codes, HTTP statuses and delay that are expected: %s", (reason) => {
    const expected = expectedAnswers.get(reason) ?? expect.unreachable();
    const unsafe = reason === "OUTCOME_UNKNOWN" ? [outcomeUnknownWithoutKey] : [];
    expect(codesOf(reason).map(codeName)).toEqual([expected, ...unsafe].map(({ code }) => code));
    const preconditionFailed = reason === "VERSION_MISMATCH" ? [412] : [];
    const statuses = [expected, ...unsafe].map(({ status }) => status);
    expect(httpStatusesOf(reason)).toEqual([...statuses, ...preconditionFailed]);
    // The delay of RATE_LIMITED depends on the caller's budget.
    const hasDelay = expected.retryDelayMs !== undefined || reason === "RATE_LIMITED";
    expect(describeReason(reason).retryDelay !== RetryDelay.UNSPECIFIED).toBe(hasDelay);
  });
});

it("keeps the database's invariants", () => service.database.checkInvariants());
