/** A service that trusts one issuer, and its answers to a token by each kind of protocol. */
import { expect } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { callOnce } from "../protocols/call-once.ts";
import type { Protocol } from "../protocols/protocols.ts";
import { expectRefusal } from "../scenario/expected-answers.ts";
import { type Settings, startTestService, type TestService } from "../service/service.ts";
import { moonlight } from "../service/stage.ts";
import { type TokenIssuer, trusting } from "./tokens.ts";

/** One protocol of each kind. */
export const ways = ["REST", "gRPC", "Connect JSON"] as const satisfies Protocol[];

type RequestHeaders = Readonly<Record<string, string>>;

export interface TokenService {
  readonly service: TestService;
  /** Fails unless calls with the headers' token are refused by every protocol and store nothing. */
  expectRefused(headers: RequestHeaders, message: string): Promise<void>;
  /** Fails unless the headers' token allows to read bookings. */
  expectTaken(headers: RequestHeaders): Promise<void>;
  close(): Promise<void>;
}

export async function startTokenService(issuer: TokenIssuer, changes: Settings = {}): Promise<TokenService> {
  const service = await startTestService(trusting(issuer, changes));
  const urlFor = (protocol: Protocol) => (protocol === "gRPC" ? service.grpcUrl : service.baseUrl);
  const concerts = () => service.database.query("SELECT id FROM concerts ORDER BY id");
  // A bad token is refused by the open method as well.
  const requests = [
    [ConcertService.method.createConcert, moonlight],
    [ConcertService.method.listConcerts, {}],
  ] as const;
  return {
    service,
    async expectRefused(headers, message) {
      const before = await concerts();
      const calls = ways.flatMap((protocol) =>
        requests.map(async ([method, request]) => ({
          protocol,
          answer: await callOnce(protocol, urlFor(protocol), method, request, { headers }),
        })),
      );
      for (const { protocol, answer } of await Promise.all(calls)) {
        expectRefusal(protocol, answer, { reason: "UNAUTHENTICATED", message });
      }
      expect(await concerts()).toEqual(before);
    },
    async expectTaken(headers) {
      const calls = ways.map(async (protocol) => {
        const method = BookingService.method.getUserBookings;
        const { outcome } = await callOnce(protocol, urlFor(protocol), method, {}, { headers });
        expect(outcome, protocol).toMatchObject({ ok: true });
      });
      await Promise.all(calls);
    },
    close: () => service.close(),
  };
}
