/**
 * Protection of a database connection, as libpq's `sslmode`: `allow` and `prefer` settle for a connection without TLS if the
 * server wants it so; `require` encrypts, `verify-ca` checks the certificate too, `verify-full` also the host's name in it.
 */
export const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof sslModes)[number];
