/** The lines of the log that the documents show, compared with those that a service writes. */
import { expect, test } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../../gen/frontrow/v1/concert_pb.ts";
import { startOwnServer } from "../support/database/own-server.ts";
import { openProgram } from "../support/process/program.ts";
import { createProtocolClient, type Protocol } from "../support/protocols/protocols.ts";
import { testEnvironment } from "../support/service/service.ts";
import { createConcert } from "../support/service/stage.ts";
import { sameShape } from "./support/shape.ts";
import { snippetsOf } from "./support/snippets.ts";

/** A hash of a user's id, and what the system says of the database: these differ from machine to machine. */
const ofTheMachine = (line: string) => ({ ...JSON.parse(line), caller: "", cause: "" });

test("the lines are those of a call that is refused and of one that fails, field by field", async () => {
  await using server = await startOwnServer();
  await using service = await openProgram(testEnvironment(server.database.url), [], { logLevel: "debug" });
  const rest = createProtocolClient("REST", service.baseUrl);
  const [scarce, large] = [await createConcert(rest, { totalTickets: 1 }), await createConcert(rest)];
  const book = async (protocol: Protocol, baseUrl: string, { id: concertId }: Pick<Concert, "id">) => {
    const client = createProtocolClient(protocol, baseUrl);
    await client.call(BookingService.method.bookTickets, { concertId, userId: "ann", ticketCount: 1 });
    client.close();
  };
  await book("REST", service.baseUrl, scarce);
  await book("REST", service.baseUrl, scarce);
  const refused = await service.line("INSUFFICIENT_TICKETS");
  await server.restart("immediate", async () => {
    await book("gRPC", service.grpcUrl, large);
  });
  const failed = await service.line('"protocol":"grpc"');
  rest.close();
  const shown = snippetsOf("json log").map(({ text }) => sameShape(ofTheMachine(text)));
  expect(shown).toEqual([refused, failed].map((line) => sameShape(ofTheMachine(line))));
});
