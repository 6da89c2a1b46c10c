/** The floors of the house: what each folder may import, what it offers to the others, and that no imports form a circle. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { describe, expect, it } from "vitest";

interface Floor {
  /** Folders that its files import from, besides their own folder and the folders inside it. */
  readonly imports: readonly string[];
  readonly packages?: readonly string[];
  /** The files that other folders import. The rest is sealed. Undefined for plain values, which are all offered. */
  readonly offers?: readonly string[];
  /** In place of `offers`: the files that only the folder itself imports. */
  readonly keeps?: readonly string[];
}

/** The parts of the booking engine. The other files are use cases, which the handlers call. */
const bookingParts = ["batch.ts", "commit-recovery.ts", "decide.ts", "sold-out-cache.ts", "wait-estimate.ts"];

/** From the ground up. A folder without a line is part of the folder around it. */
const floors: Readonly<Record<string, Floor>> = {
  "src/domain": { imports: [] },
  "src/config": { imports: ["src/domain"], packages: ["yaml"], offers: ["load.ts", "settings.ts"] },
  "src/telemetry": { imports: ["src/config", "src/domain"], packages: ["pino"], offers: ["log.ts"] },
  "src/limits": { imports: ["src/domain"], packages: ["ioredis", "lru-cache", "rate-limiter-flexible"] },
  "src/auth": {
    imports: ["src/config", "src/domain"],
    packages: ["jose", "lru-cache", "pino"],
    offers: ["dev-key.ts", "index.ts", "jwks.ts", "tokens.ts"],
  },
  "src/store": { imports: ["src/domain"], packages: ["kysely", "pg"] },
  "src/booking": { imports: ["src/domain", "src/store"], keeps: bookingParts },
  "src/concerts": {
    imports: ["src/domain", "src/store"],
    packages: ["lru-cache"],
    offers: ["cache.ts", "catalogue.ts", "demo.ts"],
  },
  "src/rpc": {
    imports: ["gen", "src/auth", "src/booking", "src/concerts", "src/domain", "src/limits", "src/store"],
    packages: ["@bufbuild", "@connectrpc", "lru-cache", "pino"],
  },
  "src/transport": {
    imports: ["gen", "src/domain", "src/rpc"],
    packages: ["@bufbuild", "@connectrpc", "@fastify", "fastify", "pino"],
    offers: ["http.ts", "listener/connection-limit.ts", "listener/listen.ts", "readiness.ts"],
  },
  "src/transport/listener": {
    imports: ["src/domain", "src/transport/rest"],
    offers: ["connection-limit.ts", "lingering-close.ts", "listen.ts"],
  },
  "src/transport/json": { imports: ["src/domain"], packages: ["@bufbuild"] },
};

interface Import {
  readonly from: string;
  /** A path from the project's root, or the name of a package without what follows its first slash. */
  readonly to: string;
  readonly isFile: boolean;
}

const root = join(import.meta.dirname, "..");
const files = globSync("src/**/*.ts", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));
const imports = files.flatMap(importsOf);

describe.each(Object.entries(floors))("%s", (folder, floor) => {
  const own = imports.filter(({ from }) => floorOf(from) === folder);

  it("imports only from its own floor and the floors below it", () => {
    const allowed = [folder, ...floor.imports];
    const wrong = own.filter(({ to, isFile }) => isFile && !allowed.some((name) => to.startsWith(`${name}/`)));
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

it.fails("no imports form a circle", () => {
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
  const names = [...text.matchAll(/(?:\bfrom|^import) "([^"]+)";$/gm)].map(([, name = ""]) => name);
  return names
    .filter((name) => !name.startsWith("node:"))
    .map((name) =>
      name.startsWith(".")
        ? { from, to: posix.join(dirname(from), name), isFile: true }
        : { from, to: name.replace(/\/.*/, ""), isFile: false },
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
