/** Clients that have nothing but the service's address: `buf curl` learns the schema by reflection. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { methods } from "./methods/index.ts";
import { projectRoot } from "./support/project-root.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, userId } from "./support/service/stage.ts";

const buf = join(projectRoot, "node_modules", ".bin", "buf");
let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

async function curl(protocol: string, ...args: string[]): Promise<string> {
  const common = ["curl", "--protocol", protocol, "--http2-prior-knowledge", "--emit-defaults"];
  // Away from the project, whose schema it must not find.
  const { stdout } = await promisify(execFile)(buf, [...common, ...args], { cwd: "/", timeout: 20_000 });
  return stdout;
}

it.each(["grpc", "grpcweb", "connect"])("books over %s", async (protocol) => {
  const { id: concertId } = await createStage(service.baseUrl).concert({ price: 0, totalTickets: 2 });
  const order = JSON.stringify({ concert_id: String(concertId), user_id: userId, ticket_count: 2 });
  const stdout = await curl(protocol, "--data", order, `${service.grpcUrl}/frontrow.v1.BookingService/BookTickets`);
  expect(JSON.parse(stdout)).toMatchObject({
    concertId: String(concertId),
    userId,
    ticketCount: 2,
    status: "BOOKING_STATUS_CONFIRMED",
    totalPrice: 0,
  });
  const stored = await service.database.query("SELECT user_id, ticket_count FROM bookings WHERE concert_id = $1", [
    concertId,
  ]);
  expect(stored).toEqual([{ user_id: userId, ticket_count: 2 }]);
});

it("lists every method", async () => {
  const listed = (await curl("grpc", "--list-methods", service.grpcUrl)).split("\n");
  const expected = methods.map(({ parent, name }) => `${parent.typeName}/${name}`);
  expect(listed).toEqual(expect.arrayContaining(expected));
});
