import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundle } from "./bundle.ts";

const index = join(import.meta.dirname, "..", "src", "index.ts");

/** The bundle of a page that uses these exports of the package. */
async function bundleOf(...names: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-bundle-"));
  const page = join(folder, "page.js");
  const list = names.join(", ");
  await writeFile(page, `import { ${list} } from ${JSON.stringify(index)}; console.log(${list});`);
  return await bundle(page).finally(() => rm(folder, { recursive: true }));
}

const sizeLimit = 160_000;

/** Which of these words the bundle has. The bundle itself would be too long for the report of a failure. */
const wordsIn = (code: string, ...words: readonly string[]) => words.filter((word) => code.includes(word));

test("a page that uses the client has no gRPC-Web", async () => {
  const code = await bundleOf("Client");
  expect(wordsIn(code, "x-request-id", "ConcertNotFound", "grpc-web")).toEqual(["x-request-id", "ConcertNotFound"]);
  expect(code.length).toBeLessThan(sizeLimit);
});

test("a page that uses the client with gRPC-Web has it", async () => {
  expect(wordsIn(await bundleOf("Client", "grpcWeb"), "grpc-web")).toEqual(["grpc-web"]);
});

test("a page that uses one error has neither the client nor the other errors", async () => {
  const code = await bundleOf("InsufficientTickets");
  expect(wordsIn(code, "InsufficientTickets", "ConcertNotFound", "x-request-id")).toEqual(["InsufficientTickets"]);
});
