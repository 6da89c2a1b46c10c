/** The key of a creation has one concert: for repetitions at once, after updates, and after an upgrade. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdLock, patientSettings, queueUp } from "./support/database/locks.ts";
import { succeeded, tally, verdict } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createConcert, describeConcert, moonlight } from "./support/service/stage.ts";

const { createConcert: create, updateConcert } = ConcertService.method;
const crowd = 8;

let database: TestDatabase;
let service: TestService;
let client: ProtocolClient;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startTestService(patientSettings, database);
  client = createProtocolClient("REST", service.baseUrl);
});
afterEach(() => database.checkInvariants().finally(() => database.clear()));
afterAll(async () => {
  client?.close();
  await service?.close();
  await database?.drop();
});

describe("a concert's key", () => {
  const createWith = (requestId: string, name = "One") =>
    client.call(create, { ...describeConcert({ name }), requestId });

  /** Lets creations with one key meet: they wait for a row with the same key that is never committed. */
  async function meet<Answer>(requestId: string, calls: readonly (() => Promise<Answer>)[]): Promise<Answer[]> {
    const held = await holdLock(
      database,
      "INSERT INTO concert_requests (request_id, digest, concert_id) VALUES ($1, sha256(''), 1)",
      [requestId],
    );
    const answers = await queueUp(held, calls).finally(() => held.release("ROLLBACK"));
    return await Promise.all(answers);
  }

  test("sent in many calls at once creates one concert, which all responses have", async () => {
    const requestId = randomUUID();
    const outcomes = await meet(
      requestId,
      Array.from({ length: crowd }, () => () => createWith(requestId)),
    );
    expect(tally(outcomes)).toEqual({ OK: 1, REPLAYED: crowd - 1 });
    expect(new Set(outcomes.map((outcome) => succeeded(outcome).id)).size).toBe(1);
    const stored = await database.query(
      "SELECT name FROM concerts JOIN concert_requests ON concert_id = id WHERE request_id = $1",
      [requestId],
    );
    expect(stored).toEqual([{ name: "One" }]);
  });

  test("sent at once with different contents creates one concert and rejects the other", async () => {
    const requestId = randomUUID();
    const outcomes = await meet(
      requestId,
      ["One", "Two"].map((name) => () => createWith(requestId, name)),
    );
    expect(tally(outcomes)).toEqual({ OK: 1, REQUEST_ID_REUSED: 1 });
  });

  test("that an earlier release stored, whose concerts had fewer fields, is repeated", async () => {
    const requestId = randomUUID();
    const { id } = await createConcert(client, { name: "One" });
    // Of ["One","The Larks","Old Mill","2099-06-01T20:00:00Z",100,5025,"EUR","2020-05-01T10:00:00Z","2099-06-01T19:30:00.5Z"].
    const digest = "364ea0dc792c31a361efdc7db80437398a8cfbe56fb9f43209e376e568251b81";
    await database.query(
      "INSERT INTO concert_requests (request_id, digest, concert_id) VALUES ($1, decode($2, 'hex'), $3)",
      [requestId, digest, id],
    );
    expect(await createWith(requestId)).toMatchObject({ replayed: "true", message: { id } });
  });

  test.each([{ maxTicketsPerUser: 4 }, { requiresPayment: true }])(
    "repeated with %o besides is rejected",
    async (rule) => {
      const requestId = randomUUID();
      const createRuled = (rules: object) => client.call(create, { ...moonlight, requestId, ...rules });
      succeeded(await createRuled({}));
      expect(verdict(await createRuled(rule))).toBe("REQUEST_ID_REUSED");
      expect(await createRuled({ maxTicketsPerUser: 0, requiresPayment: false })).toMatchObject({ replayed: "true" });
    },
  );

  test("repeated after an update returns the current concert; with other content it is rejected", async () => {
    const requestId = randomUUID();
    const { id, version } = succeeded(await createWith(requestId));
    succeeded(await client.call(updateConcert, { id, version, ...describeConcert({ name: "Renamed" }) }));
    expect(await createWith(requestId)).toMatchObject({ replayed: "true", message: { id, name: "Renamed" } });
    expect(verdict(await createWith(requestId, "Renamed"))).toBe("REQUEST_ID_REUSED");
  });
});
