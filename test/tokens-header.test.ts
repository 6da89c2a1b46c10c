/** The header Authorization: its form and its length. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { startTokenService, type TokenService } from "./support/auth/service.ts";
import { allScopes, bearer, createTokenIssuer, type TokenIssuer } from "./support/auth/tokens.ts";
import { flag, frame, frameType, headerBlock, opening } from "./support/network/http2-frames.ts";
import { callOnce } from "./support/protocols/call-once.ts";

let service: TokenService;
let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = await createTokenIssuer();
  service = await startTokenService(issuer);
});
afterAll(() => service.close());

const { getUserBookings } = BookingService.method;
const signed = (claims = {}) => issuer.sign({ sub: "nora", scope: allScopes, ...claims });

/** A valid token of exactly this length. */
async function tokenOfLength(length: number): Promise<string> {
  for (let padding = Math.floor((length * 3) / 4) - 300; padding < length; padding++) {
    const token = await signed({ padding: "x".repeat(padding) });
    if (token.length === length) return token;
    if (token.length > length) break;
  }
  throw new Error(`no token has ${length} characters`);
}

describe("the header Authorization", () => {
  it.each([
    "",
    "Bearer",
    "bearer",
    "Basic bm9yYTpzZWNyZXQ=",
    "Token x",
    "Bearer a b",
    "Bearer a,b",
    "Bearer: x",
    "BearerX",
    'Bearer "x"',
    "Bearer {}",
  ])("is rejected if it is: %s", (authorization) =>
    service.expectRefused({ authorization }, "the header Authorization must be: Bearer and a token"),
  );

  it.each(["x", "a.b", "a.b.c", "..", "a.b.c.d.e", "-._~+/="])("is refused with the token: %s", (token) =>
    service.expectRefused(bearer(token), "the token is not valid"),
  );

  it("is accepted in any case and with more spaces", async () => {
    const token = await signed();
    for (const authorization of [`bearer ${token}`, `BEARER ${token}`, `Bearer   ${token}`])
      await service.expectTaken({ authorization });
  });
});

describe("a token's length", () => {
  it("may be 8 KiB", async () => service.expectTaken(bearer(await tokenOfLength(8_192))));

  it("may not be more, even of a valid token", async () =>
    service.expectRefused(bearer(await tokenOfLength(8_194)), "the token is too long"));

  it.each([17_000, 60_000, 1_000_000])("is refused with the headers if it is %d", async (length) => {
    const headers = bearer("x".repeat(length));
    const { baseUrl, grpcUrl } = service.service;
    for (const path of ["/api/v1/concerts", "/api/v1/bookings"]) {
      expect((await fetch(baseUrl + path, { headers })).status, path).toBe(431);
    }
    const { outcome } = await callOnce("gRPC", grpcUrl, getUserBookings, {}, { headers });
    expect(outcome.ok).toBe(false);
    // Other calls are not affected.
    await service.expectTaken(bearer(await signed()));
  });
});

describe("of two headers Authorization", () => {
  const bookings = "/api/v1/bookings";
  const rpc = "/frontrow.v1.BookingService/GetUserBookings?connect=v1&encoding=json&message=%7B%7D";

  async function statusByHttp1(path: string, tokens: readonly string[]): Promise<number | undefined> {
    const headers = ["Host", "test", ...tokens.flatMap((token) => ["Authorization", `Bearer ${token}`])];
    const call = request(service.service.baseUrl + path, { headers, agent: false }).end();
    const [response] = (await once(call, "response")) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  }

  it.each([bookings, rpc])("the first counts by HTTP/1: %s", async (path) => {
    const good = await signed();
    expect(await statusByHttp1(path, [good, "junk"])).toBe(200);
    expect(await statusByHttp1(path, ["junk", good])).toBe(401);
  });

  it.each([bookings, rpc])("the first counts by HTTP/2: %s", async (path) => {
    const good = await signed();
    expect(await outcomeByHttp2(service.service.baseUrl, path, [good, "junk"])).toBe("answered");
    expect(await outcomeByHttp2(service.service.baseUrl, path, ["junk", good])).toBe("refused");
  });
});

/** As bytes, since HTTP/2 clients do not send this header twice. */
async function outcomeByHttp2(
  baseUrl: string,
  path: string,
  tokens: readonly string[],
): Promise<"answered" | "refused"> {
  const request = [
    headerBlock({ ":method": "GET", ":scheme": "http", ":authority": "test", ":path": path }),
    ...tokens.map((token) => headerBlock({ authorization: `Bearer ${token}` })),
  ];
  const { hostname, port } = new URL(baseUrl);
  const socket = connect(Number(port), hostname);
  socket.write(opening);
  socket.write(frame(frameType.headers, flag.endHeaders | flag.endStream, 1, Buffer.concat(request)));
  try {
    // The headers of the answer are compressed, its body tells as well.
    let received = "";
    for await (const chunk of socket) {
      received += chunk.toString("latin1");
      if (received.includes('"bookings"')) return "answered";
      if (received.includes("the token is not valid")) return "refused";
    }
    throw new Error("the connection ended without an answer");
  } finally {
    socket.destroy();
  }
}
