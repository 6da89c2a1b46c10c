/** What requests are about, made by a service without tokens and limits. */
import type { TestDatabase } from "../../support/database/database.ts";
import type { Existing } from "../../support/scenario/scenario.ts";
import { startTestService } from "../../support/service/service.ts";
import { createStage } from "../../support/service/stage.ts";

export async function createExisting(database: TestDatabase): Promise<Existing> {
  await using service = await startTestService({}, database);
  const stage = createStage(service.baseUrl);
  const concert = await stage.concert();
  return { concert, booking: await stage.booking(concert), hold: await stage.hold(await stage.concert()) };
}
