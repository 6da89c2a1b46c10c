/** Concerts for tests to book, made through the service. */
import type { MessageShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ConcertSchema } from "../../gen/frontrow/v1/concert_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { succeeded } from "./outcomes.ts";
import type { ProtocolClient } from "./protocols.ts";

export type Concert = MessageShape<typeof ConcertSchema>;

/** What both CreateConcert and UpdateConcert take. */
export interface Description {
  readonly name: string;
  readonly artist: string;
  readonly venue: string;
  readonly concertDate: Timestamp;
  readonly totalTickets: number;
  readonly price: number;
  readonly currencyCode: string;
  readonly bookingStartTime: Timestamp;
  readonly bookingEndTime: Timestamp;
}

/** A timestamp from RFC 3339. */
export function timestamp(text: string): Timestamp {
  return timestampFromMs(Temporal.Instant.from(text).epochMilliseconds);
}

/** A timestamp as an instant, with all its digits. */
export function instantOf(timestamp: Timestamp | undefined): Temporal.Instant {
  if (!timestamp) throw new Error("there is no timestamp");
  return Temporal.Instant.fromEpochNanoseconds(timestamp.seconds * 1_000_000_000n + BigInt(timestamp.nanos));
}

/** A concert whose booking has been open for years and will be; `changes` say what is special about it. */
export function describeConcert(changes: Partial<Description> = {}): Description {
  return {
    name: "Winter Journey",
    artist: "The Lindens",
    venue: "Old Foundry",
    concertDate: timestamp("2101-01-01T20:00:00Z"),
    totalTickets: 100,
    price: 50.25,
    currencyCode: "USD",
    bookingStartTime: timestamp("2020-01-01T00:00:00Z"),
    bookingEndTime: timestamp("2100-01-01T00:00:00Z"),
    ...changes,
  };
}

/** Creates one. */
export async function createConcert(client: ProtocolClient, changes: Partial<Description> = {}): Promise<Concert> {
  return succeeded(await client.call(ConcertService.method.createConcert, describeConcert(changes)));
}
