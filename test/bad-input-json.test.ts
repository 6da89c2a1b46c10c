/** JSON that does not fit the schema, and bodies that are not JSON, over REST and Connect. */
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { methods, nameOf, scenarioOf, scenarios } from "./methods/index.ts";
import { moonlightJson } from "./support/service/stage.ts";
import { type Subject, startSubject } from "./support/service/subject.ts";
import { expectConnectError, expectConnectViolation, expectProblem } from "./support/wire/errors.ts";
import { type HttpAnswer, jsonType, rpcPath, sendHttp } from "./support/wire/http.ts";

let subject: Subject;
beforeAll(async () => {
  subject = await startSubject();
});
afterEach(() => subject.expectUnharmed());
afterAll(() => subject?.close());

const createConcert = "ConcertService.CreateConcert";

/** The methods whose REST routes take a body. */
const withRestBody = scenarios.filter(({ rest }) => rest({}).body).map(({ method }) => nameOf(method));

function sendRest(name: string, body: string | Uint8Array) {
  const { method, path } = scenarioOf(name).rest(subject.requests[name] ?? {});
  return sendHttp(subject.baseUrl, { method, path, headers: jsonType, body });
}
const sendConnect = (method: string, body: string | Uint8Array) =>
  sendHttp(subject.baseUrl, { path: rpcPath(method), headers: jsonType, body });

/** A right request with the JSON of one field replaced by a text. */
function withField(method: string, name: string, json: string): string {
  const { [name]: _, ...others } = subject.requests[method] ?? {};
  const text = JSON.stringify(others).slice(1, -1);
  return `{${text}${text === "" ? "" : ","}${JSON.stringify(name)}:${json}}`;
}

/** The error of REST names the field and no other. */
function expectRestNames(answer: HttpAnswer, field: string, message?: string) {
  const { violations } = expectProblem(answer, 400, "INVALID_REQUEST");
  expect(violations).toEqual([{ field, message: message ?? expect.stringMatching(/./) }]);
}

const always = ["true", "{}", "[]", "[1]", '["x"]', '{"value":1}'];
const wrongNumbers = ['"x"', '""', '"1,5"', '" "', '"1_000"', '"١"', "1e999"];
const wrongIntegers = [...wrongNumbers, "1.5", '"1.5"', "1e300", '"99999999999999999999"', "-1e20"];

const aTime = '"2030-01-01T00:00:00Z"';
const wrongTimes = [...always, "1", '"x"', '""', '{"seconds":1,"nanos":0}', `[${aTime}]`, '"60s"'];
const wrongDurations = [...always, "60", '"60"', '"x"', '""', '{"seconds":1,"nanos":0}', '["60s"]', '"1m"', aTime];
const wrongLists = ['"BOOKING_STATUS_HELD"', "3", "true", "{}", '{"0":"BOOKING_STATUS_HELD"}'];
/** Names that the enum does not have are other cases: Connect ignores them. */
const wrongEnums = ["1.5", "true", "{}", "[3]", "null", "2147483648"];

/** JSON that a field cannot hold. */
function wrongJson({ scalar, message, fieldKind }: DescField): readonly string[] {
  if (fieldKind === "list") return wrongLists;
  if (message) return message.typeName === DurationSchema.typeName ? wrongDurations : wrongTimes;
  switch (scalar) {
    case ScalarType.STRING:
      return [...always, "1", "-0.5"];
    case ScalarType.INT32:
      return [...always, ...wrongIntegers, "2147483648", '"-2147483649"'];
    case ScalarType.INT64:
      return [...always, ...wrongIntegers, '"9223372036854775808"'];
    case ScalarType.DOUBLE:
      return [...always, ...wrongNumbers, '"Inf"', '"1e999"'];
    case ScalarType.BOOL:
      return ["1", "0", '"true"', '""', "{}", "[]", "[true]"];
    default:
      throw new Error(`no wrong values are known for the type ${scalar}`);
  }
}

const cases = methods.flatMap((method) => method.input.fields.map((field) => ({ method: nameOf(method), field })));

describe("a value of the wrong type is refused", () => {
  test.each(cases)("$method $field.name", async ({ method, field }) => {
    for (const json of wrongJson(field)) {
      const body = withField(method, field.name, json);
      const message = expectConnectViolation(await sendConnect(method, body), field.name);
      if (withRestBody.includes(method)) expectRestNames(await sendRest(method, body), field.name, message);
    }
  });
});

describe("an item of the wrong type is refused", () => {
  const lists = cases.filter(({ field }) => field.fieldKind === "list");
  test.each(lists)("$method $field.name", async ({ method, field }) => {
    for (const json of wrongEnums) {
      const body = withField(method, field.name, `["BOOKING_STATUS_HELD",${json}]`);
      expectConnectViolation(await sendConnect(method, body), `${field.name}[1]`);
    }
  });
});

describe("a string that is not text is refused", () => {
  const strings = cases.filter(({ field }) => field.scalar === ScalarType.STRING);
  test.each(strings)("half a surrogate pair: $method $field.name", async ({ method, field }) => {
    for (const json of ['"abc\\ud800"', '"\\udc00abc"', '"abc\\udc00\\ud800"']) {
      const body = withField(method, field.name, json);
      const message = "must be valid Unicode; it has half a surrogate pair";
      expect(expectConnectViolation(await sendConnect(method, body), field.name)).toBe(message);
      if (withRestBody.includes(method)) expectRestNames(await sendRest(method, body), field.name, message);
    }
  });

  test.each(strings)("U+0000: $method $field.name", async ({ method, field }) => {
    for (const json of ['"\\u0000"', '"abc\\u0000"', '"abc\\u0000def"']) {
      const body = withField(method, field.name, json);
      const message = "must not contain the character U+0000";
      expect(expectConnectViolation(await sendConnect(method, body), field.name)).toBe(message);
      if (withRestBody.includes(method)) expectRestNames(await sendRest(method, body), field.name, message);
    }
  });

  test.each([
    ["a byte that is none of UTF-8's", [0xff]],
    ["a continuation without a start", [0x80]],
    ["an overlong U+0000", [0xc0, 0x80]],
    ["an overlong slash", [0xe0, 0x80, 0xaf]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a code point past the last", [0xf4, 0x90, 0x80, 0x80]],
    ["half a character", [0xe2, 0x82]],
    ["Latin-1", [0xe9]],
  ])("%s", async (_, bytes) => {
    const [before = "", after = ""] = JSON.stringify({ ...moonlightJson, name: "Moon|light" }).split("|");
    const body = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
    expectRestNames(await sendRest(createConcert, body), "", "the body is not valid UTF-8");
    expect(expectConnectViolation(await sendConnect(createConcert, body), "")).toBe("the body is not valid UTF-8");
  });
});

describe("a body that is not an object is refused", () => {
  const noJson = [
    "{",
    "}",
    '{"name"}',
    '{"name":}',
    "{,}",
    "{'name':'x'}",
    "{name:1}",
    '{"name":"x",}',
    "{} {}",
    "{}x",
  ];
  const stillNone = [
    "/**/{}",
    '{"price":NaN}',
    '{"price":0x10}',
    '{"price":01}',
    '{"price":.5}',
    '{"name":"\n"}',
    "\u00a0{}",
  ];
  const otherEncodings = ["\u0000{}", "\ufeff\ufeff{}", Buffer.from("{}", "utf16le").toString()];
  test.each([...noJson, ...stillNone, ...otherEncodings, "[".repeat(30_000), '{"a":'.repeat(1_000)])(
    "%j, which is not JSON",
    async (body) => {
      const message = expectConnectViolation(await sendConnect(createConcert, body), "");
      expect(message).toMatch(/^the body is not valid JSON/);
      expectRestNames(await sendRest(createConcert, body), "", message);
    },
  );

  test.each(['{"a":'.repeat(10_000), `[${'{"a":1},'.repeat(1_001)}{}]`])(
    "%.20j, which has too many keys",
    async (body) => {
      expectRestNames(await sendRest(createConcert, body), "", "the body has more than 1000 keys");
      expect(expectConnectViolation(await sendConnect(createConcert, body), "")).toBe(
        "the body has more than 1000 keys",
      );
    },
  );

  const nested = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
  test.each(["null", "true", "1", '"x"', "[]", "[{}]", nested])("%j, which is other JSON", async (body) => {
    expectRestNames(await sendRest(createConcert, body), "", "the body must be a JSON object");
    expect(expectConnectViolation(await sendConnect(createConcert, body), "")).toBe("the body must be a JSON object");
  });
});

describe("a key", () => {
  const valid = () => JSON.stringify(moonlightJson).slice(1);
  const unknown = [
    "nothing",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "",
    "name ",
    "náme",
    "concert.name",
    "$where",
    "held",
    "id.x",
  ];
  test.each(unknown)("that is unknown is refused by REST with its name: %j", async (key) => {
    for (const json of ["1", '{"name":"x"}', nestedJson(900)]) {
      const body = `{${JSON.stringify(key)}:${json},${valid()}`;
      expectRestNames(await sendRest(createConcert, body), key, "unknown field");
    }
  });

  test.each(unknown)("that is unknown is ignored by Connect: %j", async (key) => {
    // The request lacks a required field, so that nothing is stored.
    for (const json of ["1", '{"name":"x","artist":"y"}', nestedJson(900)]) {
      const body = `{${JSON.stringify(key)}:${json},"name":"",${valid().replace('"name":"Moonlight",', "")}`;
      const { message } = expectConnectError(await sendConnect(createConcert, body), 400, "invalid_argument");
      expect(message).toMatch(/^name: must not be empty or only spaces/);
    }
  });

  test.each([
    ["name", '"name":"a","name":"b"'],
    ["name", '"name":"a","n\\u0061me":"a"'],
    ["totalTickets", '"total_tickets":1,"totalTickets":1'],
    ["total_tickets", '"totalTickets":1,"total_tickets":1'],
  ])("that is given twice is refused: %s in %s", async (key, json) => {
    const { name: _, total_tickets: __, ...others } = moonlightJson;
    const body = `{${json},${JSON.stringify(others).slice(1)}`;
    expectRestNames(await sendRest(createConcert, body), key, "given more than once");
    // REST names a key of the body as it was sent, and Connect by its field.
    const field = key === "totalTickets" ? "total_tickets" : key;
    expect(expectConnectViolation(await sendConnect(createConcert, body), field)).toBe("given more than once");
  });

  test("that differs in case and underscores is the same key over REST", async () => {
    const body = `{"TOTALTICKETS":1,${valid()}`;
    const { violations } = expectProblem(await sendRest(createConcert, body), 400, "INVALID_REQUEST");
    expect(violations).toEqual([{ field: "total_tickets", message: "given more than once" }]);
  });

  const optional = [
    ...["request_id", "currency_code", "max_tickets_per_user", "requires_payment"],
    ...["ttl", "payment_reference", "accept_late"],
  ];
  const required = cases.filter(
    ({ method, field }) =>
      withRestBody.includes(method) &&
      (method === "BookingService.ExtendHold" || !optional.includes(field.name)) &&
      // 0 stands for all.
      !(method === "BookingService.ConfirmHold" && field.name === "ticket_count"),
  );
  test.each(required)("with the value null is the same as no key: $method $field.name", async ({ method, field }) => {
    const { [field.name]: _, ...others } = subject.requests[method] ?? {};
    const [nulled, left] = [withField(method, field.name, "null"), JSON.stringify(others)];
    const answer = await sendConnect(method, nulled);
    expect(expectConnectError(answer, 400, "invalid_argument").message).toContain(field.name);
    expect(answer.text).toBe((await sendConnect(method, left)).text);
    // REST also takes the field from its path.
    const { body = {} } = scenarioOf(method).rest(subject.requests[method] ?? {});
    if (!(field.name in body)) return;
    expectRestNames(await sendRest(method, nulled), field.name);
    expect((await sendRest(method, nulled)).text).toBe((await sendRest(method, left)).text);
  });

  test("that is optional may be null", async () => {
    const fields = methods.find(({ name }) => name === "ListConcerts")?.input.fields ?? [];
    const nulls = Object.fromEntries(fields.map(({ name }) => [name, null]));
    expect((await sendConnect("ConcertService.ListConcerts", JSON.stringify(nulls))).status).toBe(200);
    const order = { ...subject.requests["BookingService.BookTickets"], request_id: null, ticket_count: 0 };
    const answer = await sendRest("BookingService.BookTickets", JSON.stringify(order));
    const { violations } = expectProblem(answer, 400, "INVALID_REQUEST");
    expect(violations).toEqual([expect.objectContaining({ field: "ticket_count" })]);
  });
});

/** Objects in objects, to a depth. */
function nestedJson(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}
