/** All users have one address, and gRPC users share a few connections: the limits are on, and are never reached. */
const unreachedLimits = {
  APP_RATE_LIMIT_READS: "1000000000",
  APP_RATE_LIMIT_BOOKINGS: "1000000000",
  APP_RATE_LIMIT_SETTLEMENTS: "1000000000",
  APP_RATE_LIMIT_ADMIN: "1000000000",
  APP_MAX_CONNECTIONS: "20000",
  APP_MAX_CONNECTIONS_PER_ADDRESS: "20000",
  APP_MAX_CONCURRENT_STREAMS: "1000",
};

/** The settings of a service that is measured, as in the environment. */
export const serverSettings = {
  APP_HOST: "127.0.0.1",
  // Set, because without it the service rejects requests with other hosts than this machine's.
  APP_AUTH_MODE: "none",
  APP_LOG_LEVEL: "error",
  ...unreachedLimits,
};
