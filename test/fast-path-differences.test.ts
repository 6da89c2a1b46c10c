/** The fast path and Connect's pipeline give the same responses to the same requests, apart from what is listed here. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Case, cases } from "./support/wire/cases.ts";
import { exchange, type Fields } from "./support/wire/exchange.ts";
import { serveWatched, type WatchedApp } from "./support/wire/handlers.ts";

/** The parts of a call that a client and a handler see, by name. */
type Observed = ReadonlyMap<string, unknown>;

interface Difference {
  readonly reason: string;
  isOf(call: Case, fast: Observed): boolean;
  /** All that differs. */
  names(call: Case): readonly string[];
  /** Whether the values that differ are those that are meant to. */
  isMeant(fast: Observed, piped: Observed): boolean;
}

/** The cases that the JSON decoder refuses, in all protocols and in Connect alone. */
const undecodable: ReadonlySet<string> = new Set([
  ...["a field of another type", "a key twice", "a malformed message", "a truncated message", "an array", "null"],
  ...[
    "a lone surrogate",
    "a message against the rules",
    "an empty body",
    "broken UTF-8",
    "something after the message",
    "no message",
  ],
]);
const undecodableByConnect: ReadonlySet<string> = new Set(["an empty compressed body", "two messages"]);

/** The code of an error in Connect's JSON, or the status in the trailer of gRPC-Web. */
const codeIn = (body: unknown) =>
  /"code":"(\w+)"|grpc-status: (\d+)/.exec(JSON.stringify(body).replaceAll("\\", ""))?.[0];

/** The differences by design. Each is in every call that it applies to, and there are no others. */
const differences: readonly Difference[] = [
  {
    reason: "a call whose handler runs is answered by one path or the other",
    isOf: (_call, fast) => fast.get("calls of the handler") === 1,
    names: () => ["handler's by"],
    isMeant: (fast, piped) => fast.get("handler's by") === "the fast path" && piped.get("handler's by") === "Connect",
  },
  {
    reason: "Connect has no ETags, and those of Connect GET are the fast path's",
    isOf: ({ way }, fast) => way.protocol === "Connect GET" && fast.get("status") === 200,
    names: () => ["header etag"],
    isMeant: (fast, piped) =>
      /^"(?:\d+-)?[\w-]+"$/.test(String(fast.get("header etag"))) && piped.get("header etag") === undefined,
  },
  {
    reason: "the mount gives the text mode of gRPC-Web to Connect as binary, and so its content type",
    isOf: ({ way }, fast) => way.protocol === "gRPC-Web text" && fast.get("calls of the handler") === 1,
    names: () => ["handler's header"],
    isMeant: (fast, piped) =>
      JSON.stringify(fast.get("handler's header")).replace("grpc-web-text", "grpc-web") ===
      JSON.stringify(piped.get("handler's header")),
  },
  {
    reason: "JSON has one decoder, which names the field and the reason; Connect's own has a sentence only",
    isOf: ({ name, way }, fast) => {
      const what = name.slice(name.indexOf(": ") + 2);
      const isConnect = way.protocol.startsWith("Connect");
      if (fast.get("calls of the handler") !== 0) return false;
      return way.codec === "JSON" && (undecodable.has(what) || (isConnect && undecodableByConnect.has(what)));
    },
    names: ({ way }) =>
      way.protocol === "gRPC" ? ["trailer grpc-message", "trailer grpc-status-details-bin"] : ["body"],
    isMeant: (fast, piped) => codeIn(fast.get("body")) === codeIn(piped.get("body")),
  },
];

let fast: WatchedApp;
let piped: WatchedApp;

beforeAll(async () => {
  fast = await serveWatched({ fastPath: true });
  piped = await serveWatched({ fastPath: false });
});
afterAll(async () => {
  await fast?.close();
  await piped?.close();
});

async function observe(app: WatchedApp, { request }: Case): Promise<Observed> {
  const { headers, trailers, ...response } = await exchange(app.port, request);
  const calls = app.takeCalls();
  return new Map<string, unknown>([
    ...Object.entries(response),
    ...named("header", headers),
    ...named("trailer", trailers),
    ["calls of the handler", calls.length],
    ...calls.flatMap((call) => named("handler's", call)),
  ]);
}

const named = (kind: string, values: Fields | Readonly<Record<string, unknown>>) =>
  Object.entries(values).map(([name, value]): [string, unknown] => [`${kind} ${name}`, value]);

/** The parts that differ. If only one handler was called, the parts of its call are left out. */
function compare(ofFast: Observed, ofPiped: Observed): Record<string, { fast: unknown; piped: unknown }> {
  const names = [...new Set([...ofFast.keys(), ...ofPiped.keys()])];
  const isCalledAlike = ofFast.get("calls of the handler") === ofPiped.get("calls of the handler");
  return Object.fromEntries(
    names
      .filter((name) => isCalledAlike || !name.startsWith("handler's "))
      .map((name) => [name, { fast: ofFast.get(name), piped: ofPiped.get(name) }] as const)
      .filter(([, { fast, piped }]) => !isDeepStrictEqual(fast, piped)),
  );
}

test("every case has its own name", () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

describe("the fast path and the pipeline answer alike", () => {
  test.each(cases.map((each) => [each.name, each] as const))("%s", async (_name, each) => {
    const [ofFast, ofPiped] = [await observe(fast, each), await observe(piped, each)];
    const different = compare(ofFast, ofPiped);
    const found = differences.filter(({ isOf }) => isOf(each, ofFast));
    const byDesign = found.flatMap(({ names }) => names(each));
    const others = Object.fromEntries(Object.entries(different).filter(([name]) => !byDesign.includes(name)));
    expect(others).toEqual({});
    expect(Object.keys(different).sort()).toEqual([...byDesign].sort());
    for (const { reason, isMeant } of found) expect(isMeant(ofFast, ofPiped), reason).toBe(true);
  });
});
