/** A service that bad input must not harm. */
import { expect } from "vitest";
import { nameOf, rightJson, scenarios } from "../../methods/index.ts";
import type { JsonObject } from "../scenario/scenario.ts";
import { sendHttp } from "../wire/http.ts";
import { type Settings, startTestService, type TestService } from "./service.ts";
import { createStage } from "./stage.ts";

/** A service with one concert, one booking and one hold, which bad input must not change. */
export interface Subject extends Pick<TestService, "baseUrl" | "database" | "close"> {
  readonly concertId: string;
  readonly bookingId: string;
  /** For each method, such as `ConcertService.GetConcert`, a request in JSON that it answers. */
  readonly requests: Readonly<Record<string, JsonObject>>;
  /** Fails if a stored row has changed since the start, or if the service no longer answers. */
  expectUnharmed(): Promise<void>;
}

/** Starts the service. */
export async function startSubject(settings: Settings = {}): Promise<Subject> {
  const { baseUrl, database, close } = await startTestService(settings);
  const stage = createStage(baseUrl);
  const concert = await stage.concert();
  const booking = await stage.booking(concert, { ticketCount: 1 });
  const hold = await stage.hold(concert, { userId: "hugo", ticketCount: 1 });

  const storedState = async () => JSON.stringify([...(await rows("concerts")), ...(await rows("bookings"))]);
  const rows = (table: string) => database.query(`SELECT t::text FROM ${table} t ORDER BY id`);
  const before = await storedState();
  return {
    ...{ baseUrl, database, close, concertId: String(concert.id), bookingId: String(booking.id) },
    requests: Object.fromEntries(
      scenarios.map((scenario) => [nameOf(scenario.method), rightJson(scenario, { concert, booking, hold })]),
    ),
    async expectUnharmed() {
      expect(await storedState()).toBe(before);
      expect((await sendHttp(baseUrl, { path: `/api/v1/concerts/${concert.id}` })).status).toBe(200);
    },
  };
}
