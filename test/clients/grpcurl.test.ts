/** grpcurl, which has the schema by reflection alone. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { type OpenProgram, openProgram } from "../support/process/program.ts";
import { createProtocolClient } from "../support/protocols/protocols.ts";
import { testEnvironment } from "../support/service/service.ts";
import { createConcert } from "../support/service/stage.ts";
import { buildGrpcurl, go, isInstalled } from "./support/toolchains.ts";

interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const hasGo = isInstalled({ ...go, language: "Go (grpcurl)" });
const run = promisify(execFile);
const bookTickets = "frontrow.v1.BookingService/BookTickets";

let command: string;
let database: TestDatabase;
let service: OpenProgram;
let concertId: string;

beforeAll(async () => {
  if (!hasGo) return;
  command = await buildGrpcurl();
  database = await createTestDatabase();
  service = await openProgram(testEnvironment(database.url));
  const rest = createProtocolClient("REST", service.baseUrl);
  concertId = String((await createConcert(rest, { totalTickets: 3 })).id);
  rest.close();
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

async function grpcurl(flags: readonly string[], ...names: string[]): Promise<Output> {
  const address = new URL(service.grpcUrl).host;
  try {
    return { ...(await run(command, ["-plaintext", ...flags, address, ...names])), code: 0 };
  } catch (error) {
    return error as Output & Error;
  }
}

/** Calls a method and returns the response, or the details of the error. */
async function call(method: string, request: object, flags: readonly string[] = []) {
  const { stdout, stderr, code } = await grpcurl([...flags, "-d", JSON.stringify(request)], method);
  return code === 0 ? JSON.parse(stdout) : stderr;
}

/** The objects in grpcurl's text of an error. */
function detailsIn(text: string): unknown[] {
  const [, ...details] = text.split(/^\s*\d+\)\t/m);
  return details.map((detail) => JSON.parse(detail));
}

describe.skipIf(!hasGo)("grpcurl", () => {
  test("lists the services and describes a method", async () => {
    const { stdout } = await grpcurl([], "list");
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining(["frontrow.v1.BookingService", "frontrow.v1.ConcertService", "grpc.health.v1.Health"]),
    );
    const described = await grpcurl([], "describe", "frontrow.v1.BookingService.BookTickets");
    expect(described.stdout).toContain(
      "rpc BookTickets ( .frontrow.v1.BookTicketsRequest ) returns ( .frontrow.v1.Booking )",
    );
  });

  test.each(["ErrorInfo", "BadRequest", "RetryInfo", "Status"])("describes google.rpc.%s", async (name) => {
    const { stdout } = await grpcurl([], "describe", `google.rpc.${name}`);
    expect(stdout).toContain(`message ${name} {`);
  });

  test("books, and shows the metadata of a repeated call", async () => {
    const requestId = "6dc8a2b8-3e0f-4d2a-9a53-1f6a4f2b6b60";
    const request = { request_id: requestId, concert_id: concertId, user_id: "nora", ticket_count: 1 };
    expect(await call(bookTickets, request)).toMatchObject({ userId: "nora", status: "BOOKING_STATUS_CONFIRMED" });
    const { stdout } = await grpcurl(["-v", "-d", JSON.stringify(request)], bookTickets);
    expect(stdout).toContain("idempotency-replayed: true");
  });

  test("shows the details of an error", async () => {
    const text = await call(bookTickets, { concert_id: concertId, user_id: "nora", ticket_count: 9 });
    expect(text).toContain("Code: FailedPrecondition");
    expect(detailsIn(text)).toEqual([
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        domain: "frontrow",
        reason: "INSUFFICIENT_TICKETS",
        metadata: { available: "2" },
      },
    ]);
  });

  test("shows which field is wrong", async () => {
    const text = await call(bookTickets, { concert_id: concertId, user_id: "nora" });
    expect(text).toContain("Code: InvalidArgument");
    expect(detailsIn(text)).toMatchObject([
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "INVALID_REQUEST" },
      { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field: "ticket_count" }] },
    ]);
  });

  test("checks the health", async () => {
    expect(await call("grpc.health.v1.Health/Check", {})).toEqual({ status: "SERVING" });
  });
});
