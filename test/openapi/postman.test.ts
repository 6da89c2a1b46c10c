/** The collection for Postman, by the runner of Postman's makers. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { openReadersService } from "../docs/support/service.ts";
import { allScopes, createTokenIssuer, trusting } from "../support/auth/tokens.ts";
import { readDocument } from "../support/openapi/document.ts";
import { projectRoot } from "../support/project-root.ts";
import { startTestService } from "../support/service/service.ts";
import { isConnect } from "./support/requests.ts";
import { validateBy } from "./support/tools.ts";

const collection = join(projectRoot, "gen", "postman", "frontrow.postman_collection.json");
const operationIds = readDocument()
  .operations.filter((operation) => !isConnect(operation))
  .map(({ operationId }) => operationId);

/** Sends all requests in their order, and expects that each operation returns the status of its success. */
async function expectSuccesses(variables: Readonly<Record<string, string>>): Promise<void> {
  const values = Object.entries(variables).flatMap(([name, value]) => ["--env-var", `${name}=${value}`]);
  const { isValid, output } = await validateBy("newman", ["run", collection, "--color", "off", ...values]);
  const succeeded = [...output.matchAll(/✓\s+(\w+) returns 20[01]$/gm)].map(([, operationId]) => operationId);
  expect({ isValid, succeeded: new Set(succeeded) }, output).toEqual({
    isValid: true,
    succeeded: new Set(operationIds),
  });
}

test("the requests succeed from top to bottom with the demo concerts, and a second time", async () => {
  await using service = await openReadersService();
  const variables = { base_url: service.addressed("http://localhost:8080") };
  await expectSuccesses(variables);
  await expectSuccesses(variables);
});

test("with a token, the requests succeed as its subject", async () => {
  const issuer = await createTokenIssuer();
  await using service = await startTestService(trusting(issuer));
  const token = await issuer.sign({ sub: "nora", scope: allScopes });
  await expectSuccesses({ base_url: service.baseUrl, token, user_id: "" });
});
