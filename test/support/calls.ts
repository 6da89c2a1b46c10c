/** Calls of every method that succeed as long as nothing is wrong with the service. */
import { randomUUID } from "node:crypto";
import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { type Answer, callOnce } from "./exchange.ts";
import { type CallOptions, type Protocol, protocols, supports } from "./protocols.ts";
import { moonlight, type Stage, userId } from "./stage.ts";

export interface PreparedCall {
  readonly method: DescMethodUnary;
  /** Whether it carries a request_id. */
  readonly repeatable: boolean;
  run(protocol: Protocol, baseUrl: string, options?: CallOptions): Promise<Answer<unknown>>;
}

/** A call to be made by one protocol. */
export interface PlannedCall {
  readonly call: PreparedCall;
  readonly protocol: Protocol;
}

/** A call that was made, and its answer. */
export interface Attempt extends PlannedCall {
  readonly answer: Answer<unknown>;
}

function prepared<Method extends DescMethodUnary>(
  method: Method,
  request: MessageInitShape<Method["input"]>,
  repeatable = false,
): PreparedCall {
  return {
    method,
    repeatable,
    run: (protocol, baseUrl, options) => callOnce(protocol, baseUrl, method, request, options),
  };
}

/** Every write, with a request_id and without where there is one; no two of them touch the same row. */
export async function prepareWrites(stage: Stage): Promise<readonly PreparedCall[]> {
  const { id, version } = await stage.concert();
  const calls = [prepared(ConcertService.method.updateConcert, { ...moonlight, id, version })];
  for (const requestId of [randomUUID(), ""]) {
    const repeatable = requestId !== "";
    const { id: concertId } = await stage.concert();
    const booking = await stage.booking(await stage.concert());
    calls.push(
      prepared(ConcertService.method.createConcert, { ...moonlight, requestId }, repeatable),
      prepared(BookingService.method.bookTickets, { concertId, userId, ticketCount: 1, requestId }, repeatable),
      prepared(BookingService.method.cancelBooking, { id: booking.id, userId, requestId }, repeatable),
    );
  }
  return calls;
}

/** Every method. */
export async function prepareCalls(stage: Stage): Promise<readonly PreparedCall[]> {
  const concert = await stage.concert();
  const booking = await stage.booking(concert);
  return [
    prepared(ConcertService.method.getConcert, { id: concert.id }),
    prepared(ConcertService.method.listConcerts, {}),
    prepared(BookingService.method.getBooking, { id: booking.id }),
    prepared(BookingService.method.getUserBookings, { userId }),
    ...(await prepareWrites(stage)),
  ];
}

export type Batch = readonly PlannedCall[];

/** Calls for each protocol that can make them, prepared anew for each. */
export async function prepareBatch(prepare: () => Promise<readonly PreparedCall[]>): Promise<Batch> {
  const batch: PlannedCall[] = [];
  for (const protocol of protocols) {
    const calls = (await prepare()).filter(({ method }) => supports(protocol, method));
    batch.push(...calls.map((call) => ({ call, protocol })));
  }
  return batch;
}

/** Makes all calls at once. */
export function attemptAll(
  batch: Batch,
  baseUrl: string,
  optionsOf: (protocol: Protocol) => CallOptions = () => ({}),
): Promise<Attempt[]> {
  return Promise.all(
    batch.map(async ({ call, protocol }) => {
      const answer = await call.run(protocol, baseUrl, optionsOf(protocol));
      return { call, protocol, answer };
    }),
  );
}
