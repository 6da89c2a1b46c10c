import { expect, it } from "vitest";
import { startEmbeddedDatabase } from "./embedded.ts";

it("adds to the launcher's error which settings to change", async () => {
  await expect(startEmbeddedDatabase({ dataDir: "/dev/null/data" })).rejects.toMatchObject({
    name: "EmbeddedDatabaseError",
    message: expect.stringMatching(
      /^PostgreSQL could not be started in \/dev\/null\/data: ENOTDIR.*\nCorrect what it reports, set APP_DATA_DIR .*, or set APP_DATABASE_URL .*\.$/,
    ),
  });
});
