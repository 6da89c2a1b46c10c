/** Tokens as identity providers write them, whose scopes are not in the claim `scope`. */
import { afterAll, beforeAll, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { startTokenService, type TokenService, ways } from "./support/auth/service.ts";
import { bearer, type Claims, createTokenIssuer, type TokenIssuer } from "./support/auth/tokens.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import { expectRefusal } from "./support/scenario/expected-answers.ts";

const roles = "https://tickets.example.org/roles";

let issuer: TokenIssuer;
let service: TokenService;

beforeAll(async () => {
  issuer = await createTokenIssuer("RS256");
  service = await startTokenService(issuer, { APP_AUTH_SCOPE_CLAIM: `scp,roles,realm_access.roles,${roles}` });
});
afterAll(() => service.close());

const headersFor = async (claims: Claims) => bearer(await issuer.sign({ sub: "nora", ...claims }));

it.each<[provider: string, claims: Claims]>([
  ["Okta", { scp: ["bookings:read", "offline_access"] }],
  ["Entra, for a user", { scp: "openid bookings:read" }],
  ["Entra, for a service", { roles: ["bookings:read"] }],
  ["Auth0", { [roles]: ["bookings:read"] }],
  ["Keycloak", { realm_access: { roles: ["offline_access", "bookings:read"] } }],
])("a token of %s has its scopes", async (_provider, claims) => service.expectTaken(await headersFor(claims)));

it("a token with its scopes in an unknown claim has none", async () => {
  const headers = await headersFor({ scope: "bookings:read", permissions: ["bookings:read"] });
  for (const protocol of ways) {
    const { baseUrl, grpcUrl } = service.service;
    const url = protocol === "gRPC" ? grpcUrl : baseUrl;
    const answer = await callOnce(protocol, url, BookingService.method.getUserBookings, {}, { headers });
    expectRefusal(protocol, answer, {
      reason: "MISSING_SCOPE",
      message: "this takes a token with the scope bookings:read",
      metadata: { scope: "bookings:read" },
    });
  }
});
