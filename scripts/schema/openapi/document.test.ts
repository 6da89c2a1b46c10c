import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { joined } from "./document.ts";

interface Response {
  readonly $ref?: string;
  readonly description: string;
  readonly headers?: object;
}

interface Operation {
  readonly operationId: string;
  readonly security: unknown;
  readonly parameters: readonly { readonly name?: string; readonly in?: string; readonly $ref?: string }[];
  readonly responses: Readonly<Record<string, Response>>;
}

type Place = Readonly<Record<string, Operation>>;

const folder = join(import.meta.dirname, "../../../gen/openapi");
const text = (name: string) => readFileSync(join(folder, name), "utf8");
const document: {
  readonly paths: Readonly<Record<string, Place>>;
  readonly components: { readonly responses: Readonly<Record<string, Response>> };
} = JSON.parse(text("openapi.json"));

function operationOf(path: string, httpMethod: string): Operation {
  const operation = document.paths[path]?.[httpMethod];
  if (operation === undefined) throw new Error(`no ${httpMethod} ${path}`);
  return operation;
}

function responseOf(operation: Operation, status: string): Response | undefined {
  const response = operation.responses[status];
  const name = response?.$ref?.split("/").at(-1);
  return name === undefined ? response : document.components.responses[name];
}

it("is the same in JSON and in YAML", () => {
  expect(parse(text("openapi.yaml"))).toEqual(document);
});

it("has one schema for each name", () => {
  const [text, number] = [{ type: "string" }, { type: "number" }];
  expect(
    joined([
      ["A", text],
      ["B", number],
      ["A", { type: "string" }],
    ]),
  ).toEqual({ A: text, B: number });
  expect(() =>
    joined([
      ["A", text],
      ["A", number],
    ]),
  ).toThrow("two schemas have the name A");
});

it("has every method in REST and in Connect, and reads in Connect by GET as well", () => {
  const ids = Object.values(document.paths).flatMap(({ parameters, ...place }) =>
    Object.values(place).map(({ operationId }) => operationId),
  );
  const reads = ["GetConcert", "ListConcerts", "GetBooking", "GetUserBookings", "ListConcertBookings"];
  const expected = [ConcertService, BookingService]
    .flatMap((service) => service.methods.map(({ name }) => name))
    .flatMap((name) => [name, `${name}Connect`, ...(reads.includes(name) ? [`${name}ConnectGet`] : [])]);
  expect(ids.toSorted()).toEqual(expected.toSorted());
});

it("gives the reasons of each status", () => {
  const update = operationOf("/api/v1/concerts/{id}", "put");
  const reasons = Object.keys(update.responses).map((status) => [status, responseOf(update, status)?.description]);
  expect(Object.fromEntries(reasons)).toMatchObject({
    200: "The call has succeeded.",
    400: "`TOTAL_BELOW_SOLD`, `INVALID_REQUEST`",
    401: "`UNAUTHENTICATED`",
    403: "`MISSING_SCOPE`, `HOST_NOT_ALLOWED`, `ORIGIN_NOT_ALLOWED`",
    404: "`CONCERT_NOT_FOUND`",
    409: "`VERSION_MISMATCH`",
    412: "`VERSION_MISMATCH`",
    413: "`REQUEST_TOO_LARGE`",
    415: "`UNSUPPORTED_MEDIA_TYPE`",
    429: "`RATE_LIMITED`",
    500: "`OUTCOME_UNKNOWN`, `INTERNAL`",
    503: "`KEYS_UNAVAILABLE`, `OVERLOADED`, `DATABASE_UNAVAILABLE`, `SHUTTING_DOWN`",
    504: "`DEADLINE_EXCEEDED`",
  });
});

it("says that an idempotent method's OUTCOME_UNKNOWN is UNAVAILABLE only", () => {
  const release = operationOf("/api/v1/bookings/{id}/release", "post");
  expect(responseOf(release, "500")?.description).toBe("`INTERNAL`");
  expect(responseOf(release, "503")?.description).toContain("`OUTCOME_UNKNOWN`");
});

it("has the scopes as alternatives, and no need of a token where there is none", () => {
  expect(operationOf("/api/v1/bookings/{id}/confirm", "post").security).toEqual([
    { bearer: ["bookings:write"] },
    { bearer: ["bookings:confirm"] },
  ]);
  expect(operationOf("/api/v1/concerts", "get").security).toEqual([{}, { bearer: [] }]);
});

it("binds path, query and headers", () => {
  const list = operationOf("/api/v1/concerts/{concert_id}/bookings", "get");
  expect(list.parameters.map(({ name, in: place, $ref }) => $ref?.split("/").at(-1) ?? `${place} ${name}`)).toEqual([
    ...["path concert_id", "query page_size", "query page_token", "query statuses"],
    ...["IfMatch", "IfNoneMatch"],
  ]);
});

it("has Location and ETag where a concert is created, and the replay's header", () => {
  const { headers } = responseOf(operationOf("/api/v1/concerts", "post"), "201") ?? {};
  expect(Object.keys(headers ?? {})).toEqual(expect.arrayContaining(["Location", "ETag", "Idempotency-Replayed"]));
});
