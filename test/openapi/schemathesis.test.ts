/** Schemathesis generates right and wrong requests from the document, and checks the responses of the service. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { allScopes, createTokenIssuer, trusting } from "../support/auth/tokens.ts";
import { createTestDatabase } from "../support/database/database.ts";
import { spawnChild } from "../support/process/child-process.ts";
import { openProgram } from "../support/process/program.ts";
import { testEnvironment } from "../support/service/service.ts";
import { hasPython, schemathesis } from "./support/tools.ts";

const configFile = join(import.meta.dirname, "schemathesis.toml");

test.skipIf(!hasPython())(
  "schemathesis finds no answer that the document does not describe",
  async () => {
    const database = await createTestDatabase();
    onTestFinished(() => database.drop());
    const issuer = await createTokenIssuer();
    await using service = await openProgram(testEnvironment(database.url, trusting(issuer)));
    const authorization = `Authorization: Bearer ${await issuer.sign({ sub: "nora", scope: allScopes })}`;
    const args = ["--config-file", configFile, "run", `${service.baseUrl}/openapi.json`, "--header", authorization];
    // It keeps what it finds in its working directory.
    const cwd = mkdtempSync(join(tmpdir(), "frontrow-schemathesis-"));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    await using run = spawnChild(schemathesis, args, { ownGroup: true, cwd });
    const status = await run.ended;
    expect(run.output()).toMatch(/No issues found/);
    expect(status).toBe(0);
    await service.stop();
    await database.checkInvariants();
  },
  240_000,
);
