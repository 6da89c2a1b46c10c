/** Generated bad input: whatever comes, it is no fault of the server, and the answer has its protocol's shape. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  expectConnectError,
  expectProblem,
  type HttpAnswer,
  type JsonObject,
  jsonType,
  rpcPath,
  type Subject,
  sendHttp,
  startSubject,
} from "./support/bad-input.ts";
import { nameOf } from "./support/json-calls.ts";
import { methods } from "./support/matrix.ts";
import { damaged, garbage, mutated } from "./support/nasty-requests.ts";

/** Each of them is sent over REST and over Connect. */
const requestsPerMethod = 300;

let subject: Subject;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeAll(async () => {
  process.on("unhandledRejection", onUnhandled);
  subject = await startSubject({ APP_MAX_BODY_BYTES: "16384" });
});
afterAll(async () => {
  process.off("unhandledRejection", onUnhandled);
  await subject?.close();
});

/** What is sent: a request in JSON, or a body of no particular kind. */
type Input = JsonObject | string | Uint8Array;

const bodyOf = (input: Input) =>
  typeof input === "string" || input instanceof Uint8Array ? input : JSON.stringify(input);

function sendConnect(method: string, input: Input): Promise<HttpAnswer> {
  return sendHttp(subject.baseUrl, { path: rpcPath(method), headers: jsonType, body: bodyOf(input) });
}

const restRoutes: Readonly<Record<string, readonly [method: string, path: string]>> = {
  "ConcertService.GetConcert": ["GET", "/api/v1/concerts/ID"],
  "ConcertService.ListConcerts": ["GET", "/api/v1/concerts"],
  "ConcertService.CreateConcert": ["POST", "/api/v1/concerts"],
  "ConcertService.UpdateConcert": ["PUT", "/api/v1/concerts/ID"],
  "BookingService.GetBooking": ["GET", "/api/v1/bookings/ID"],
  "BookingService.GetUserBookings": ["GET", "/api/v1/bookings"],
  "BookingService.BookTickets": ["POST", "/api/v1/bookings"],
  "BookingService.CancelBooking": ["POST", "/api/v1/bookings/ID/cancel"],
};

/** Bodies go where the route has one; else what they say goes into the query, encoded if it is JSON. */
function sendRest(name: string, input: Input): Promise<HttpAnswer> {
  const [method = "", template = ""] = restRoutes[name] ?? [];
  const raw = typeof input === "string" || input instanceof Uint8Array;
  const { id = subject.concertId, ...fields } = raw ? {} : input;
  const path = template.replace("ID", () => encode(id));
  if (method !== "GET") {
    return sendHttp(subject.baseUrl, { method, path, headers: jsonType, body: raw ? input : JSON.stringify(fields) });
  }
  const query = raw ? Buffer.from(input).toString("latin1") : undefined;
  const pairs = Object.entries(fields).map(([key, value]) => `${encode(key)}=${encode(value)}`);
  const target = `${path}?${query ?? pairs.join("&")}`;
  // What HTTP itself forbids in a target would not leave Node's client, and what is too long has a test of its own.
  return sendHttp(subject.baseUrl, { method, path: target.replaceAll(/[^\x21-\x7e]/g, "").slice(0, 12_000) });
}

function encode(value: unknown): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return encodeURIComponent(text.toWellFormed());
}

function expectNoFault(answer: HttpAnswer, expectError: (answer: HttpAnswer) => void): void {
  expect([answer.status < 500, answer.text]).toEqual([true, answer.text]);
  if (answer.status >= 400) expectError(answer);
}

test.each(methods.map(nameOf))("%s", { timeout: 60_000 }, async (name) => {
  const request = subject.requests[name] ?? {};
  const fields = methods.find((method) => nameOf(method) === name)?.input.fields.map((field) => field.name) ?? [];
  const input = fc.oneof(
    { weight: 6, arbitrary: mutated(request, fields) },
    { weight: 2, arbitrary: damaged(JSON.stringify(request)) },
    { weight: 1, arbitrary: garbage },
  );
  await fc.assert(
    fc.asyncProperty(input, async (sent) => {
      const [rest, connect] = await Promise.all([sendRest(name, sent), sendConnect(name, sent)]);
      expectNoFault(rest, (answer) => {
        const { status, reason } = JSON.parse(answer.text);
        expect(status).toBe(answer.status);
        if (reason === "INVALID_REQUEST") expectProblem(answer, 400, reason);
      });
      expectNoFault(connect, (answer) => {
        const { code } = JSON.parse(answer.text);
        if (code === "invalid_argument") expectConnectError(answer, 400, code);
      });
    }),
    { seed: 1, numRuns: requestsPerMethod, endOnFailure: true },
  );
});

test("what came through is sound, and nothing was left unhandled", async () => {
  await subject.database.checkInvariants();
  expect(unhandled).toEqual([]);
  expect((await sendHttp(subject.baseUrl, { path: "/readyz" })).status).toBe(200);
});
