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

test("a page that uses the client has no gRPC-Web", async () => {
  const code = await bundleOf("Client");
  expect(code).toContain("BookingService");
  expect(code).not.toContain("grpc-web");
  expect(code.length).toBeLessThan(160_000);
});

test("a page that uses the client with gRPC-Web has it", async () => {
  expect(await bundleOf("Client", "grpcWeb")).toContain("grpc-web");
});

test("a page that uses one error has neither the client nor the other errors", async () => {
  const code = await bundleOf("InsufficientTickets");
  expect(code).toContain("InsufficientTickets");
  expect(code).not.toMatch(/ConcertNotFound|BookingService/);
  expect(code.length).toBeLessThan(2_000);
});
