/** The documents' calls by grpcurl. */
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { buildGrpcurl, go, isInstalled } from "../clients/support/toolchains.ts";
import { createReader, type Reader } from "./support/calls.ts";
import { openReadersService } from "./support/service.ts";
import { nameOf, snippetsOf } from "./support/snippets.ts";

const hasGo = isInstalled({ ...go, language: "Go (grpcurl in the documents)" });
const snippets = snippetsOf("bash grpcurl").map((snippet) => ({ name: nameOf(snippet), snippet }));
const stack = new AsyncDisposableStack();
let reader: Reader;

beforeAll(async () => {
  if (!hasGo) return;
  const PATH = `${dirname(await buildGrpcurl())}:${process.env.PATH}`;
  const service = stack.use(await openReadersService());
  reader = stack.use(await createReader({ ...service, env: { ...service.env, PATH } }));
});
afterAll(() => stack.disposeAsync());

describe.skipIf(!hasGo)("grpcurl", () => {
  test.each(snippets)("$name", ({ snippet }) => reader.execute(snippet));
});
