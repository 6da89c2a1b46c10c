/** The floors of the house: what each folder may import, what it offers to the others, and that no imports form a circle. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { describe, expect, it } from "vitest";

interface Floor {
  /** Folders, or single files, that its files import from, besides their own folder and the folders inside it. */
  readonly imports: readonly string[];
  readonly packages?: readonly string[];
  /** The files that other folders import. The rest is sealed. Undefined for plain values, which are all offered. */
  readonly offers?: readonly string[];
  /** In place of `offers`: the files that only the folder itself imports. */
  readonly keeps?: readonly string[];
}

/** The files of src/transport that the folders inside it share. */
const transport = (...names: string[]) => names.map((name) => `src/transport/${name}.ts`);

/** From the ground up. A folder without a line is part of the folder around it. */
const floors: Readonly<Record<string, Floor>> = {
  "src/domain": { imports: [] },
  "src/config": {
    imports: ["src/domain"],
    packages: ["yaml", "zod"],
    offers: ["load.ts", "shell-variables.ts"],
  },
  "src/limits": {
    imports: ["src/domain"],
    packages: ["ioredis", "lru-cache", "rate-limiter-flexible"],
    offers: ["concurrency-limit.ts", "event-loop-delay.ts", "events.ts", "limit-key.ts", "rate-limit.ts", "redis.ts"],
  },
  // Of the configuration only the program that prints a token needs to know.
  "src/auth": {
    imports: ["src/config", "src/domain"],
    packages: ["jose", "lru-cache"],
    offers: ["events.ts", "index.ts", "tokens.ts"],
  },
  "src/store": {
    imports: ["src/domain"],
    packages: ["@frontrow/embedded-postgres", "kysely", "pg"],
    keeps: [
      ...["batch/audit.ts", "batch/prepared.ts", "batch/read.ts", "batch/write.ts", "migrate.ts", "pool/client.ts"],
      ...["pool/connection.ts", "pool/database.ts", "pool/probe.ts", "pool/semaphore.ts", "server-checks.ts"],
      ...["tables.ts", "transaction.ts", "values.ts"],
    ],
  },
  "src/booking": {
    imports: ["src/domain", "src/store"],
    keeps: [
      ...["batch.ts", "commands.ts", "commit-recovery.ts", "decide.ts", "queue.ts", "sold-out-cache.ts"],
      "wait-estimate.ts",
    ],
  },
  "src/concerts": {
    imports: ["src/domain", "src/store"],
    packages: ["lru-cache"],
    offers: ["cache.ts", "catalogue.ts", "demo.ts", "events.ts"],
  },
  "src/rpc": {
    imports: ["gen", "src/auth", "src/booking", "src/concerts", "src/domain", "src/limits", "src/store"],
    packages: ["@bufbuild/protobuf", "@bufbuild/protovalidate", "@connectrpc/connect", "lru-cache"],
    offers: [
      "access.ts",
      "admission.ts",
      "booking-service.ts",
      "call-context.ts",
      "concert-service.ts",
      "events.ts",
      "guards.ts",
      "reasons.ts",
      "request-headers.ts",
      "service.ts",
      "status.ts",
      "streams/open-stream.ts",
      "streams/stream-limits.ts",
      "streams/until-aborted.ts",
    ],
  },
  "src/transport": {
    imports: ["gen", "src/domain", "src/rpc"],
    packages: ["@bufbuild/protobuf", "@connectrpc/connect", "@fastify/cors", "fastify"],
    offers: ["events.ts", "http.ts", "listener/connection-limit.ts", "listener/listen.ts", "readiness.ts"],
  },
  "src/transport/json": {
    imports: ["src/domain"],
    packages: ["@bufbuild/protobuf"],
    offers: ["decode.ts", "fault.ts", "fields.ts", "text.ts"],
  },
  "src/transport/rest": {
    imports: [
      ...["gen", "src/domain", "src/rpc", "src/transport/json"],
      ...transport("conditional-requests", "http-errors", "request", "request-body", "send-error"),
      ...transport("shutdown-notices", "unary"),
    ],
    packages: ["@bufbuild/protobuf", "@connectrpc/connect", "fastify"],
    offers: ["problem-details.ts", "routes.ts"],
  },
  "src/transport/mcp": {
    imports: [
      ...["gen", "package.json", "src/domain", "src/rpc", "src/transport/json", "src/transport/rest"],
      ...transport(
        "admit-request",
        "conditional-requests",
        "events",
        "http-errors",
        "request",
        "request-body",
        "send-error",
      ),
      ...transport("shutdown-notices", "unary"),
    ],
    packages: ["@bufbuild/protobuf", "@connectrpc/connect", "@modelcontextprotocol/server", "fastify"],
    offers: ["protected-resource.ts", "routes.ts"],
  },
  "src/transport/connect": {
    imports: [
      ...["src/domain", "src/rpc"],
      ...transport("events", "gone", "http-errors", "request", "shutdown-notices"),
    ],
    packages: [
      "@bufbuild/protobuf",
      "@connectrpc/connect",
      "@connectrpc/connect-fastify",
      "@connectrpc/connect-node",
      "fastify",
    ],
    offers: ["grpc-refusal.ts", "mount.ts"],
  },
  "src/transport/connect/fast-path": {
    imports: [
      ...["src/domain", "src/rpc", "src/transport/connect", "src/transport/json"],
      ...transport("conditional-requests", "events", "http-errors", "request"),
      ...transport("shutdown-notices", "unary"),
    ],
    packages: ["@bufbuild/protobuf", "@connectrpc/connect", "fastify"],
    offers: ["fast-path.ts"],
  },
  "src/transport/documents": {
    imports: ["src/rpc", ...transport("admit-request", "conditional-requests")],
    packages: ["fastify"],
    offers: ["routes.ts"],
  },
  "src/transport/listener": {
    imports: ["src/domain", ...transport("events", "http-errors", "request-id", "rest/problem-details")],
    offers: ["connection-limit.ts", "listen.ts", "unread-body.ts"],
  },
  // A worker process puts the parts together as `src/app.ts` does.
  "src/workers": {
    imports: [
      ...["src/config", "src/domain", "src/limits", "src/store", "src/telemetry", "src/transport"],
      ...["app", "close-limits", "database", "describe-error", "host", "open-metrics", "port-error", "service"].map(
        (name) => `src/${name}.ts`,
      ),
      "src/node-version.js",
    ],
    packages: ["prom-client"],
    offers: ["events.ts", "primary.ts"],
  },
  // Observes all others.
  "src/telemetry": {
    imports: ["src"],
    packages: ["pino", "pino-pretty"],
    offers: [
      "events.ts",
      "limited-log.ts",
      "log-events.ts",
      "log.ts",
      "metrics/registry.ts",
      "metrics/server.ts",
      "tracing/index.ts",
    ],
  },
  "src/telemetry/metrics": {
    imports: ["src"],
    packages: ["@bufbuild/protobuf", "@connectrpc/connect", "prom-client"],
    offers: ["registry.ts", "server.ts"],
  },
  "src/telemetry/tracing": {
    imports: ["src/booking", "src/config", "src/domain", "src/rpc", "src/telemetry"],
    packages: [
      ...[
        "api",
        "core",
        "otlp-exporter-base",
        "otlp-transformer",
        "resources",
        "sdk-trace",
        "semantic-conventions",
      ].map((name) => `@opentelemetry/${name}`),
    ],
    offers: ["index.ts"],
  },
  // Packages do not know the service.
  "packages/embedded-postgres/src": { imports: [], packages: ["pg"] },
  "packages/embedded-postgres/test": { imports: ["packages/embedded-postgres/src"], packages: ["pg", "vitest"] },
};

interface Import {
  readonly from: string;
  /** A path from the project's root, or the name of a package. */
  readonly to: string;
  readonly isFile: boolean;
}

const root = join(import.meta.dirname, "..");
const files = globSync("{src,packages/*/{src,test}}/**/*.ts", { cwd: root }).filter(
  (file) => !file.endsWith(".test.ts"),
);
const imports = files.flatMap(importsOf);

describe.each(Object.entries(floors))("%s", (folder, floor) => {
  const own = imports.filter(({ from }) => floorOf(from) === folder);

  it("imports only from its own floor and the floors below it", () => {
    const allowed = [folder, ...floor.imports];
    const wrong = own.filter(({ to, isFile }) => isFile && !allowed.some((name) => to === name || isInside(to, name)));
    expect(wrong).toEqual([]);
  });

  it("imports only its packages", () => {
    expect(own.filter(({ to, isFile }) => !isFile && !(floor.packages ?? []).includes(to))).toEqual([]);
  });

  it("is imported by other folders only through what it offers", () => {
    const { offers, keeps = [] } = floor;
    const outside = imports.filter(({ from, to }) => isInside(to, folder) && !isInside(from, folder));
    expect(outside.filter(({ to }) => keeps.includes(posix.relative(folder, to)))).toEqual([]);
    expect(keeps.filter((file) => !files.includes(`${folder}/${file}`))).toEqual([]);
    if (!offers) return;
    expect(outside.filter(({ to }) => !offers.includes(posix.relative(folder, to)))).toEqual([]);
    expect(offers.filter((file) => !outside.some(({ to }) => to === `${folder}/${file}`))).toEqual([]);
  });
});

it("every package that the service imports is declared", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const packages = imports.filter(({ from, isFile }) => isInside(from, "src") && !isFile).map(({ to }) => to);
  expect([...new Set(packages)].filter((name) => !(name in dependencies))).toEqual([]);
});

it("no imports form a circle", () => {
  const next = Map.groupBy(
    imports.filter(({ isFile }) => isFile),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) throw new Error([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file)) return;
    for (const { to } of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), "utf8");
  const names = [...text.matchAll(/(?:\bfrom|^import) "([^"]+)"(?: with \{ type: "json" \})?;$/gm)].map(
    ([, name = ""]) => name,
  );
  return names
    .filter((name) => !name.startsWith("node:"))
    .map((name) =>
      name.startsWith(".")
        ? { from, to: posix.join(dirname(from), name), isFile: true }
        : { from, to: name.split("/", name.startsWith("@") ? 2 : 1).join("/"), isFile: false },
    );
}

/** The innermost floor that a file is on. Files of `src/` itself put the parts together and import all of them. */
function floorOf(file: string): string | undefined {
  return Object.keys(floors)
    .filter((folder) => isInside(file, folder))
    .toSorted((a, b) => b.length - a.length)[0];
}

function isInside(file: string, folder: string): boolean {
  return file.startsWith(`${folder}/`);
}
