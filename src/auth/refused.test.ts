import { pino } from "pino";
import { expect, test } from "vitest";
import { createTokenIssuer, issuer } from "../../test/support/tokens.ts";
import { openTokenVerifier } from "./index.ts";

/** What a verifier logs at this level while it refuses a token. */
async function linesFor(token: string, level: "debug" | "info" = "debug"): Promise<Record<string, unknown>[]> {
  const { pem } = await createTokenIssuer("ES256");
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level, base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line)) });
  const rules = { issuer, audience: "frontrow", algorithms: ["ES256"], clockToleranceMs: 0, scopeClaims: ["scope"] };
  const verifier = await openTokenVerifier({ mode: "jwt", ...rules, keys: { pem } }, "/dev/null", logger);
  if (!verifier) throw new Error("the mode jwt has a verifier");
  await expect(verifier.verify(token)).rejects.toMatchObject({ failure: { reason: "UNAUTHENTICATED" } });
  return lines;
}

test("a refused token leaves one line at debug: the reason, and the token's kid, alg and iss", async () => {
  const stranger = await createTokenIssuer("ES256");
  const token = await stranger.sign({ sub: "nora", email: "nora@example.org" }, { kid: "key-1", custom: "secret" });
  const lines = await linesFor(token);
  expect(lines).toEqual([
    {
      level: 20,
      msg: "a token was refused",
      reason: "signature verification failed",
      kid: "key-1",
      alg: "ES256",
      iss: issuer,
    },
  ]);
  expect(await linesFor(token, "info")).toEqual([]);
});

test("a line has nothing else of a token, and no long text of it", async () => {
  const stranger = await createTokenIssuer("ES256");
  const long = "k".repeat(2_000);
  const [line] = await linesFor(await stranger.sign({ iss: long, sub: "nora" }, { kid: long }));
  expect([line?.kid, line?.iss]).toEqual([`${"k".repeat(100)}...`, `${"k".repeat(100)}...`]);
  const critical = await linesFor(`${encoded({ alg: "ES256", crit: [long], [long]: 1 })}.e30.AAAA`);
  expect(String(critical[0]?.reason).length).toBeLessThan(250);
  expect(await linesFor(`${encoded({ alg: "ES256", kid: { a: long } })}.${encoded([long])}.AAAA`)).toEqual([
    { level: 20, msg: "a token was refused", reason: expect.any(String), alg: "ES256" },
  ]);
});

test.each(["junk", "a.b.c", "x".repeat(9_000)])("what is no token leaves a line without its text: %#", async (text) => {
  expect(await linesFor(text)).toEqual([
    { level: 20, msg: "a token was refused", reason: expect.not.stringContaining(text) },
  ]);
});

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
