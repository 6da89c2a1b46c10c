/**
 * Protection of a database connection, as libpq's `sslmode`: `allow` and `prefer` accept a connection without TLS if the
 * server requires it; `require` encrypts, `verify-ca` also checks the certificate, `verify-full` also the host's name in it.
 */
export const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof sslModes)[number];
