/** The bench's identity provider, which signs the tokens of its users. */
import { exportSPKI, generateKeyPair, SignJWT } from "jose";

export interface Issuer {
  /** The settings with which a server accepts its tokens. */
  readonly settings: Readonly<Record<string, string>>;
  /** A token with which each of these users may book, for an hour. */
  tokensFor(users: readonly string[]): Promise<string[]>;
}

const algorithm = "ES256";
const issuer = "https://accounts.example.org";
const audience = "frontrow-bench";

export async function createIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const sign = (user: string) =>
    new SignJWT({ scope: "bookings:read bookings:write" })
      .setProtectedHeader({ alg: algorithm })
      .setSubject(user)
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime("1h")
      .sign(privateKey);
  return {
    settings: {
      APP_AUTH_MODE: "jwt",
      APP_AUTH_ISSUER: issuer,
      APP_AUTH_AUDIENCE: audience,
      APP_AUTH_PUBLIC_KEY: await exportSPKI(publicKey),
    },
    tokensFor: (users) => Promise.all(users.map(sign)),
  };
}
