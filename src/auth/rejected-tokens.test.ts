import { expect, test } from "vitest";
import { createTokenIssuer, issuer } from "../../test/support/auth/tokens.ts";
import { recordEvents } from "../../test/support/unit/events.ts";
import type { AuthEvents, RejectedToken } from "./events.ts";
import { openTokenVerifier } from "./index.ts";

/** What a verifier publishes when it rejects a token. */
async function rejectionsOf(token: string): Promise<RejectedToken[]> {
  const { pem } = await createTokenIssuer("ES256");
  const events = recordEvents<AuthEvents>();
  const rules = { issuer, audiences: ["frontrow"], algorithms: ["ES256"], clockToleranceMs: 0, scopeClaims: ["scope"] };
  const verifier = await openTokenVerifier({ mode: "jwt", ...rules, keys: { pem } }, "/dev/null", events.publish);
  if (!verifier) throw new Error("the mode jwt has a verifier");
  await expect(verifier.verify(token)).rejects.toMatchObject({ failure: { reason: "UNAUTHENTICATED" } });
  return events.of("auth.token_rejected").map(({ describe }) => describe());
}

test("a rejected token is described by the reason, and by its kid, alg and iss", async () => {
  const stranger = await createTokenIssuer("ES256");
  const token = await stranger.sign({ sub: "nora", email: "nora@example.org" }, { kid: "key-1", custom: "secret" });
  expect(await rejectionsOf(token)).toEqual([
    { reason: "signature verification failed", kid: "key-1", alg: "ES256", iss: issuer },
  ]);
});

test("the description contains no long text of a token", async () => {
  const stranger = await createTokenIssuer("ES256");
  const long = "k".repeat(2_000);
  const [rejection] = await rejectionsOf(await stranger.sign({ iss: long, sub: "nora" }, { kid: long }));
  expect([rejection?.kid, rejection?.iss]).toEqual([`${"k".repeat(100)}...`, `${"k".repeat(100)}...`]);
  const [critical] = await rejectionsOf(`${encoded({ alg: "ES256", crit: [long], [long]: 1 })}.e30.AAAA`);
  expect(critical?.reason.length).toBeLessThan(250);
  expect(await rejectionsOf(`${encoded({ alg: "ES256", kid: { a: long } })}.${encoded([long])}.AAAA`)).toEqual([
    { reason: expect.any(String), alg: "ES256" },
  ]);
});

test.each(["junk", "a.b.c", "x".repeat(9_000)])(
  "the description of a malformed token does not contain its text: %#",
  async (text) => {
    expect(await rejectionsOf(text)).toEqual([{ reason: expect.not.stringContaining(text) }]);
  },
);

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
