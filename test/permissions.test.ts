/** Who may call what: every method by every caller and protocol, against a table written by hand. */
import { type DescMethodUnary, getOption, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { access } from "../gen/frontrow/v1/access_pb.ts";
import { BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { http } from "../gen/google/api/annotations_pb.ts";
import { type Answer, callOnce } from "./support/exchange.ts";
import { expectRefusal } from "./support/expected-answers.ts";
import { createMatrix, declaredReasons, methods, protocolsOf } from "./support/matrix.ts";
import type { Protocol } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { createStage, moonlight, type Stage } from "./support/stage.ts";
import { createTokenIssuer, trusting } from "./support/tokens.ts";
import {
  type CallerHeaders,
  callerHeaders,
  callers,
  challengeFor,
  type RefusalWord,
  readTable,
  refusals,
  seesChallenge,
  subjects,
} from "./support/tokens-callers.ts";

const { getConcert, listConcerts, createConcert, updateConcert } = ConcertService.method;
const { getBooking, getUserBookings, bookTickets, cancelBooking } = BookingService.method;

// The booking of GetBooking and CancelBooking is nora's; a name after a method is the request's user_id.
const table = readTable(`
                        nobody nora     otto     organizer admin    reader   writer   expired issuer audience junk basic
  GetConcert            ok     ok       ok       ok        ok       ok       ok       late    iss    aud      bad  scheme
  ListConcerts          ok     ok       ok       ok        ok       ok       ok       late    iss    aud      bad  scheme
  CreateConcert         token  concerts concerts ok        concerts concerts concerts late    iss    aud      bad  scheme
  UpdateConcert         token  concerts concerts ok        concerts concerts concerts late    iss    aud      bad  scheme
  GetBooking            token  ok       owner    read      ok       ok       read     late    iss    aud      bad  scheme
  GetBooking none       token  gone     gone     read      gone     gone     read     late    iss    aud      bad  scheme
  GetUserBookings       token  ok       ok       read      ok       ok       read     late    iss    aud      bad  scheme
  GetUserBookings nora  token  ok       admin    read      ok       ok       read     late    iss    aud      bad  scheme
  GetUserBookings otto  token  admin    ok       read      ok       admin    read     late    iss    aud      bad  scheme
  BookTickets           token  ok       ok       write     ok       write    ok       late    iss    aud      bad  scheme
  BookTickets nora      token  ok       admin    write     ok       write    ok       late    iss    aud      bad  scheme
  BookTickets otto      token  admin    ok       write     ok       write    admin    late    iss    aud      bad  scheme
  CancelBooking         token  ok       owner    write     ok       write    ok       late    iss    aud      bad  scheme
  CancelBooking nora    token  ok       admin    write     ok       write    ok       late    iss    aud      bad  scheme
  CancelBooking otto    token  admin    owner    write     owner    write    admin    late    iss    aud      bad  scheme
  CancelBooking none    token  gone     gone     write     gone     write    gone     late    iss    aud      bad  scheme
`);

/** How the calls of a row are made, and what is seen where they are allowed. */
interface Row {
  readonly method: DescMethodUnary;
  request(): object | Promise<object>;
  expectAnswer(message: unknown, subject: string): void;
}

function row<Method extends DescMethodUnary>(
  method: Method,
  request: () => MessageInitShape<Method["input"]> | Promise<MessageInitShape<Method["input"]>>,
  expectAnswer: (message: MessageShape<Method["output"]>, subject: string) => void,
): Row {
  return { method, request, expectAnswer: expectAnswer as Row["expectAnswer"] };
}

let service: TestService;
/** Believes everybody, on the same database: arranges what the callers find. */
let open: TestService;
let stage: Stage;
let concert: Concert;
let headersOf: CallerHeaders;

const nowhere = 9_007_199_254_740_993n;
const noras = async () => (await stage.booking(concert, { userId: "nora", ticketCount: 1 })).id;
const listOf = (userId: string) =>
  row(
    getUserBookings,
    () => ({ userId }),
    ({ bookings }, subject) => {
      const owner = userId || subject;
      expect(bookings.filter((booking) => booking.userId !== owner)).toEqual([]);
      if (owner !== subjects.admin) expect(bookings).not.toEqual([]);
    },
  );
const bookingFor = (userId: string) =>
  row(
    bookTickets,
    () => ({ concertId: concert.id, userId, ticketCount: 1 }),
    (booking, subject) => expect(booking.userId).toBe(userId || subject),
  );
const cancelFor = (userId: string) =>
  row(
    cancelBooking,
    async () => ({ id: await noras(), userId }),
    (booking) => expect(booking).toMatchObject({ userId: "nora", status: BookingStatus.CANCELLED }),
  );
const never = () => expect.unreachable();

const rows: Readonly<Record<string, Row>> = {
  GetConcert: row(
    getConcert,
    () => ({ id: concert.id }),
    ({ id }) => expect(id).toBe(concert.id),
  ),
  ListConcerts: row(
    listConcerts,
    () => ({}),
    ({ concerts }) => expect(concerts).not.toEqual([]),
  ),
  CreateConcert: row(
    createConcert,
    () => moonlight,
    ({ name }) => expect(name).toBe(moonlight.name),
  ),
  UpdateConcert: row(
    updateConcert,
    async () => ({ ...moonlight, id: (await stage.concert()).id, version: 1 }),
    ({ version }) => expect(version).toBe(2),
  ),
  GetBooking: row(
    getBooking,
    async () => ({ id: await noras() }),
    ({ userId }) => expect(userId).toBe("nora"),
  ),
  "GetBooking none": row(getBooking, () => ({ id: nowhere }), never),
  GetUserBookings: listOf(""),
  "GetUserBookings nora": listOf("nora"),
  "GetUserBookings otto": listOf("otto"),
  BookTickets: bookingFor(""),
  "BookTickets nora": bookingFor("nora"),
  "BookTickets otto": bookingFor("otto"),
  CancelBooking: cancelFor(""),
  "CancelBooking nora": cancelFor("nora"),
  "CancelBooking otto": cancelFor("otto"),
  "CancelBooking none": row(cancelBooking, () => ({ id: nowhere }), never),
};

beforeAll(async () => {
  const issuer = await createTokenIssuer();
  headersOf = await callerHeaders(issuer);
  service = await startTestService(trusting(issuer));
  open = await startTestService({}, service.database);
  stage = createStage(open.baseUrl);
  concert = await stage.concert({ totalTickets: 1_000_000 });
  for (const userId of ["nora", "otto"]) await stage.booking(concert, { userId });
});
afterAll(async () => {
  await open.close();
  await service.close();
});

/** Everything that a call could change. */
function stored(): Promise<unknown> {
  const digest = (relation: string) => `SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM ${relation} t`;
  const [concerts, bookings, trail] = ["concerts", "bookings", "audit_entries"].map(digest);
  return service.database.query(`SELECT (${concerts}) AS concerts, (${bookings}) AS bookings, (${trail}) AS trail`);
}

const urlFor = (protocol: Protocol) => (protocol === "gRPC" ? service.grpcUrl : service.baseUrl);

function expectRefused(protocol: Protocol, answer: Answer<unknown>, word: RefusalWord): void {
  expectRefusal(protocol, answer, refusals[word]);
  const { exchange } = answer;
  if (!seesChallenge(protocol, exchange)) return;
  expect(exchange.headers.get("www-authenticate"), protocol).toBe(challengeFor(word));
}

const reasons = createMatrix();
const seen = new Set<string>();
const cell = (label: string, caller: string, protocol: string) => `${label} of ${caller} by ${protocol}`;

describe.each(callers)("%s", (caller) => {
  for (const [label, answers] of table) {
    const word = answers[caller];
    it(`${label}: ${word}`, async () => {
      const { method, request, expectAnswer } = rows[label] ?? expect.unreachable();
      const protocols = protocolsOf(method);
      // What is refused leaves all as it was, so that one request does for all protocols.
      const requests = await Promise.all((word === "ok" ? protocols : [method]).map(request));
      const before = word === "ok" ? undefined : await stored();
      const headers = headersOf[caller];
      const calls = protocols.map((protocol, i) =>
        callOnce(protocol, urlFor(protocol), method, (requests[i] ?? requests[0]) as never, { headers }),
      );
      for (const [i, answer] of (await Promise.all(calls)).entries()) {
        const protocol = protocols[i] ?? expect.unreachable();
        seen.add(cell(label, caller, protocol));
        if (word !== "ok") {
          expectRefused(protocol, answer, word);
          reasons.fill(method, protocol, refusals[word].reason);
        } else if (answer.outcome.ok) expectAnswer(answer.outcome.message, subjects[caller]);
        else expect.unreachable(`${protocol}: ${answer.outcome.message}`);
      }
      if (before !== undefined) expect(await stored()).toEqual(before);
    });
  }
});

describe("the matrix", () => {
  it("has a row for every method, and a call for every row, caller and protocol", () => {
    expect([...table.keys()].sort()).toEqual(Object.keys(rows).sort());
    const withRow = new Set(Object.values(rows).map(({ method }) => method));
    expect(methods.filter((method) => !withRow.has(method))).toEqual([]);
    const expected = Object.entries(rows).flatMap(([label, { method }]) =>
      callers.flatMap((caller) => protocolsOf(method).map((protocol) => cell(label, caller, protocol))),
    );
    expect([...seen].sort()).toEqual(expected.sort());
  });

  it("has seen every method refuse callers for each reason that the schema declares", () => {
    const ofCallers = ["UNAUTHENTICATED", "MISSING_SCOPE", "NOT_BOOKING_OWNER", "BOOKING_NOT_FOUND"];
    const isOpen = (method: DescMethodUnary) => getOption(method, access).scope === "";
    reasons.expectComplete((method) =>
      declaredReasons(method).filter(
        (reason) => ofCallers.includes(reason) && !(isOpen(method) && reason === "MISSING_SCOPE"),
      ),
    );
  });

  it("has called every REST path, since each method has one", () => {
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

it("keeps what every commit must keep", () => service.database.checkInvariants());
