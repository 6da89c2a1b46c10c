/** The database's clock decides when a hold ends, whatever a process's own clock says. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BookingStatus } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { makeDue } from "./support/database/holds.ts";
import { type OpenProgram, openProgram } from "./support/process/program.ts";
import { succeeded, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { testEnvironment } from "./support/service/service.ts";
import { createConcert, instantOf } from "./support/service/stage.ts";

const { holdTickets, confirmHold, extendHold } = BookingService.method;
const wrongClock = pathToFileURL(join(import.meta.dirname, "support", "process", "wrong-clock.ts"));

describe.each([
  { clock: "two days ahead", shiftHours: 48 },
  { clock: "two days behind", shiftHours: -48 },
])("a process whose own clock is $clock", ({ shiftHours }) => {
  let database: TestDatabase;
  let program: OpenProgram;
  let client: ProtocolClient;
  let concertId: bigint;

  beforeAll(async () => {
    database = await createTestDatabase();
    program = await openProgram({
      ...testEnvironment(database.url),
      NODE_OPTIONS: `--import ${wrongClock}`,
      TEST_CLOCK_SHIFT_MS: String(shiftHours * 3_600_000),
    });
    client = createProtocolClient("Connect JSON", program.baseUrl);
    concertId = (await createConcert(client, { totalTickets: 10 })).id;
  });
  afterAll(async () => {
    await program?.stop();
    await database?.checkInvariants().finally(() => database.drop());
  });

  async function databaseClock(): Promise<Temporal.Instant> {
    const [row] = await database.query<{ now: string }>("SELECT to_json(clock_timestamp())#>>'{}' AS now");
    return Temporal.Instant.from(row?.now ?? "");
  }

  async function hold(userId: string) {
    const request = { concertId, userId, ticketCount: 2, ttl: { seconds: 60n } };
    return succeeded(await client.call(holdTickets, request));
  }

  test("ends a hold by the database's clock, and confirms it before", async () => {
    const before = await databaseClock();
    const { id, userId, holdExpiresTime } = await hold("ann");
    const after = await databaseClock();
    const endsAt = instantOf(holdExpiresTime);
    expect(Temporal.Instant.compare(before.add({ seconds: 60 }), endsAt)).toBeLessThanOrEqual(0);
    expect(Temporal.Instant.compare(endsAt, after.add({ seconds: 60 }))).toBeLessThanOrEqual(0);
    const confirmed = await client.call(confirmHold, { id, userId });
    expect(confirmed).toMatchObject({ ok: true, message: { status: BookingStatus.CONFIRMED } });
  });

  test("neither confirms nor extends a hold that is due", async () => {
    const { id, userId } = await hold("ben");
    await makeDue(database, { id });
    const outcomes = [
      await client.call(extendHold, { id, userId, ttl: { seconds: 60n } }),
      await client.call(confirmHold, { id, userId }),
    ];
    expect(outcomes.map(verdict)).toEqual(["HOLD_EXPIRED", "HOLD_EXPIRED"]);
  });
});
