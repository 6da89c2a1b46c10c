/** Runs the PostgreSQL server that npm delivers. README.md lists its guarantees. */
export { type Binaries, binariesOf, findBinaries } from "./binaries.ts";
export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from "./errors.ts";
export { freePort } from "./free-port.ts";
export { findPostmaster, type Postmaster, stopPostmaster } from "./postmaster.ts";
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./start.ts";
export { startTemporaryPostgres } from "./temporary.ts";
