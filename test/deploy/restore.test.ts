/** The restore that docs/operations.md has, beside the overlay that it belongs to. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { projectRoot } from "../support/project-root.ts";
import { customSchema, type Overlay, only, readOverlay, resourceSchema } from "./support/manifests.ts";
import { canInstallTools } from "./support/tools.ts";

const database = { database: z.string(), owner: z.string() };
const storage = z.object({ size: z.string() });
const plugin = z.looseObject({ name: z.string(), parameters: z.record(z.string(), z.string()) });
const clusterSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    ...{ instances: z.number(), storage },
    bootstrap: z.object({ initdb: z.looseObject(database) }),
    plugins: z.array(plugin),
  }),
});
const restoredSchema = z.looseObject({
  spec: z.looseObject({
    ...{ instances: z.number(), storage },
    bootstrap: z.object({ recovery: z.looseObject({ ...database, source: z.string() }) }),
    externalClusters: z.array(z.object({ name: z.string(), plugin })),
  }),
});

const poolerOf = (cluster: string) => `${cluster}-pooler`;

/** A copy of a manifest with other names. With `fields`, only below the fields that they name. */
function rename(value: unknown, names: ReadonlyMap<string, string>, fields?: readonly string[]): unknown {
  if (typeof value === "string") return fields === undefined ? (names.get(value) ?? value) : value;
  if (Array.isArray(value)) return value.map((element) => rename(element, names, fields));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([field, inner]) => [
    field,
    rename(inner, names, fields?.includes(field) ? undefined : fields),
  ]);
  return Object.fromEntries(entries);
}

/** Every text of a manifest, behind the path of its field. */
function textsOf(value: unknown, path: string): string[] {
  if (typeof value === "string") return [`${path}: ${value}`];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]) =>
    textsOf(inner, Array.isArray(value) ? path : `${path}.${field}`),
  );
}

/** The names between backquotes. */
const quoted = (text: string) => [...text.matchAll(/`([^`\s]+)`/g)].map(([, name = ""]) => name);

describe.skipIf(!canInstallTools())("the documented restore", () => {
  const text = readFileSync(join(projectRoot, "docs/operations.md"), "utf8");
  const [, introduction = "", manifestText = "", steps = ""] =
    /^\*\*Restore\.\*\*(.*?)^```yaml manifest\n(.*?)^```(.*?)^## /ms.exec(text) ?? [];
  const step = (number: number) => new RegExp(`^${number}\\. (.*?)^${number + 1}\\. `, "ms").exec(steps)?.[1] ?? "";
  const manifest = resourceSchema.parse(parse(manifestText));
  const [original, restored] = ["concert-database", manifest.metadata.name];
  let overlay: Overlay;
  beforeAll(async () => {
    overlay = await readOverlay("production");
  });

  test("recovers the database of the overlay for its owner, from its backups", () => {
    expect(customSchema(manifest)?.safeParse(manifest)).toMatchObject({ success: true });
    const { spec } = restoredSchema.parse(manifest);
    const before = overlay.one("Cluster", original, clusterSchema).spec;
    const { database, owner } = before.bootstrap.initdb;
    expect(spec.bootstrap.recovery).toMatchObject({ database, owner });
    expect(spec).toMatchObject({ instances: before.instances, storage: before.storage });
    const archiver = only(before.plugins);
    const source = only(spec.externalClusters);
    expect(source.name).toBe(spec.bootstrap.recovery.source);
    expect(source.plugin).toEqual({
      name: archiver.name,
      parameters: { ...archiver.parameters, serverName: original },
    });
  });

  /** The overlay's manifests after what the text says. */
  function applyRestore(): unknown[] {
    const pooler = new Map([[poolerOf(original), poolerOf(restored)]]);
    const names = new Map([[original, restored], ...pooler]);
    const derived = quoted(step(3)).filter((name) => name.startsWith(`${original}-`));
    const derivedNames = new Map(derived.map((name) => [name, name.replace(original, restored)]));
    const [, renamedKinds = ""] = /Set the names of (.*?)\./s.exec(step(2)) ?? [];
    return overlay.resources.map((resource) => {
      if (resource.kind === "Cluster") {
        const { bootstrap: _, ...spec } = clusterSchema.parse(resource).spec;
        const replacement = { ...manifest, spec: { ...spec, ...restoredSchema.parse(manifest).spec } };
        return rename(replacement, names, quoted(introduction));
      }
      if (renamedKinds.includes(resource.kind)) return rename(resource, names);
      if (resource.kind === "ConfigMap") return rename(resource, pooler, quoted(step(3)));
      return rename(resource, derivedNames);
    });
  }

  test("leaves no reference to the database and the pooler that it replaces", () => {
    const lines = applyRestore().flatMap((resource) => textsOf(resource, resourceSchema.parse(resource).kind));
    const left = lines.filter((line) => line.includes(original) && !line.includes(restored));
    expect([...new Set(left)].toSorted()).toEqual([
      // The backups and the Secrets keep their names.
      "Cluster.spec.externalClusters.plugin.parameters.barmanObjectName: concert-database-backups",
      "Cluster.spec.externalClusters.plugin.parameters.serverName: concert-database",
      "Cluster.spec.managed.roles.passwordSecret.name: concert-database",
      "Cluster.spec.plugins.parameters.barmanObjectName: concert-database-backups",
      "ConfigMap.data.APP_DATABASE_SSL_CA_FILE: /etc/concert-database/ca.crt",
      "Deployment.spec.template.spec.containers.env.valueFrom.secretKeyRef.name: concert-database",
      "Deployment.spec.template.spec.containers.volumeMounts.mountPath: /etc/concert-database",
      "Job.spec.template.spec.containers.env.value: /etc/concert-database/ca.crt",
      "Job.spec.template.spec.containers.volumeMounts.mountPath: /etc/concert-database",
      // Their selectors have no name.
      "NetworkPolicy.metadata.name: concert-database",
      "NetworkPolicy.metadata.name: concert-database-pooler",
      "ObjectStore.metadata.name: concert-database-backups",
      "ObjectStore.spec.configuration.s3Credentials.accessKeyId.name: concert-database-backups",
      "ObjectStore.spec.configuration.s3Credentials.secretAccessKey.name: concert-database-backups",
    ]);
  });

  test("deletes the Job of the migration, which cannot be changed, by its label", () => {
    const [, name] = /kubectl delete job -l app\.kubernetes\.io\/name=(\S+) --ignore-not-found/.exec(text) ?? [];
    const job = only(overlay.resources.filter(({ kind }) => kind === "Job"));
    expect(job.metadata.labels["app.kubernetes.io/name"]).toBe(name);
  });
});
