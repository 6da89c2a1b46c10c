import { parseArgs } from "node:util";

const protocols = ["connect", "grpc", "grpc-web"] as const;

export interface LoadTestOptions {
  readonly url: string;
  readonly protocol: (typeof protocols)[number];
  readonly users: number;
  readonly tickets: number;
  readonly requestsPerUser: number;
  /** Of a request, all with its key. */
  readonly maxAttempts: number;
  /** Between a user's answer and its next request. */
  readonly pauseMs: number;
  /** A bearer token; undefined for a service that takes none. */
  readonly token: string | undefined;
  /** After this the users give up. */
  readonly timeLimitMs: number;
}

export const usage = `A rush on one concert of a running service: every user books, request after request, until its requests are used up.
Afterwards the bookings are read back, and compared with the answers.

  --url URL            the service (LOADTEST_URL; http://localhost:8080)
  --protocol NAME      ${protocols.join(", ")} (connect), over HTTP/2
  --users N            users at once, 1 to 20,000 (1,000)
  --tickets N          tickets of the concert, 1 to 100,000 (1,000)
  --requests N         requests of each user, for one ticket each, 1 to 100 (2)
  --attempts N         attempts of a request before it counts as refused or without an answer, 1 to 100 (10)
  --pause SECONDS      how long a user waits between two requests, 0 to 60 (0)
  --token TOKEN        a token with the scopes concerts:write and bookings:admin (LOADTEST_TOKEN)
  --time-limit SECONDS how long the users try, 1 to 3,600 (120)
  --help

On SIGINT (Ctrl-C) and SIGTERM the users finish the request that they have sent, and the table follows.

Exit status: 0 if nothing was oversold, lost or doubled; 1 if something was, or if a request had no answer; 2 if the test could
not be made.
`;

export class UsageError extends Error {}

/** Reads the arguments; undefined for help. Throws a UsageError that names a wrong one. */
export function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv): LoadTestOptions | undefined {
  const values = parse(argv);
  if (values.help) return undefined;
  const url = values.url ?? (env.LOADTEST_URL || "http://localhost:8080");
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ""))
    throw new UsageError(`--url: ${url} is not an address such as http://host:8080`);
  const protocol = protocols.find((name) => name === (values.protocol ?? "connect"));
  if (!protocol) throw new UsageError(`--protocol: one of ${protocols.join(", ")}`);
  const whole = (
    name: "users" | "tickets" | "requests" | "attempts" | "time-limit",
    usual: number,
    most: number,
  ): number => {
    const value = Number(values[name] ?? usual);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new UsageError(`--${name}: a whole number from 1 to ${most}`);
  };
  const pause = Number(values.pause ?? 0);
  if (!(pause >= 0 && pause <= 60)) throw new UsageError("--pause: seconds from 0 to 60, such as 0.5");
  return {
    url,
    protocol,
    users: whole("users", 1_000, 20_000),
    tickets: whole("tickets", 1_000, 100_000),
    requestsPerUser: whole("requests", 2, 100),
    maxAttempts: whole("attempts", 10, 100),
    pauseMs: pause * 1_000,
    token: values.token ?? (env.LOADTEST_TOKEN || undefined),
    timeLimitMs: whole("time-limit", 120, 3_600) * 1_000,
  };
}

function parse(argv: readonly string[]) {
  const string = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...{ url: string, protocol: string, users: string, tickets: string, requests: string, pause: string },
        ...{ attempts: string, token: string, "time-limit": string, help: { type: "boolean" } },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
