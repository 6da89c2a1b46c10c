/** A service deletes old rows in the background. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

let database: TestDatabase;
let service: TestService | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await service?.close();
  await database.drop();
});

test("holds that ended long ago go, and the evidence of old batches; other rows stay", async () => {
  service = await startTestService({}, database);
  const stage = createStage(service.baseUrl);
  const concert = await stage.concert();
  for (const userId of ["expired", "released", "recent", "held"]) await stage.hold(concert, { userId, ticketCount: 1 });
  await stage.booking(concert, { userId: "confirmed" });
  await service.close();
  await database.query(`UPDATE bookings SET status = CASE user_id WHEN 'expired' THEN 'expired' ELSE 'released' END
    WHERE user_id IN ('expired', 'released', 'recent')`);
  await database.query("UPDATE bookings SET updated_at = now() - interval '3 days' WHERE user_id <> 'recent'");
  await database.query(`UPDATE batches SET committed_at = now() - interval '25 hours'
    WHERE id <> (SELECT max(id::text)::uuid FROM batches)`);

  service = await startTestService({ APP_HOLD_RETENTION: "48h" }, database);
  await vi.waitFor(
    async () => {
      const users = await database.query("SELECT user_id FROM bookings ORDER BY user_id");
      expect(users).toEqual([{ user_id: "confirmed" }, { user_id: "held" }, { user_id: "recent" }]);
      expect(await database.query("SELECT FROM batches")).toHaveLength(1);
    },
    { timeout: 20_000 },
  );
});
