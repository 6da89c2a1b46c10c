/** The restore that docs/operations.md has, beside the overlay that it belongs to. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { customSchema, type Overlay, only, readOverlay, resourceSchema } from "./support/manifests.ts";
import { canInstallTools, projectRoot } from "./support/tools.ts";

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

describe.skipIf(!canInstallTools())("the documented restore", () => {
  const text = readFileSync(join(projectRoot, "docs/operations.md"), "utf8");
  let overlay: Overlay;
  beforeAll(async () => {
    overlay = await readOverlay("production");
  });

  test("recovers the database of the overlay for its owner, from its backups", () => {
    const blocks = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block = ""]) => block);
    const manifest: unknown = parse(only(blocks.filter((block) => block.includes("\nkind: Cluster\n"))));
    const schema = customSchema(resourceSchema.parse(manifest));
    expect(schema?.safeParse(manifest)).toMatchObject({ success: true });
    const { spec } = restoredSchema.parse(manifest);
    const original = overlay.one("Cluster", "concert-database", clusterSchema);
    const { database, owner } = original.spec.bootstrap.initdb;
    expect(spec.bootstrap.recovery).toMatchObject({ database, owner });
    expect(spec).toMatchObject({ instances: original.spec.instances, storage: original.spec.storage });
    const archiver = only(original.spec.plugins);
    const source = only(spec.externalClusters);
    expect(source.name).toBe(spec.bootstrap.recovery.source);
    expect(source.plugin).toEqual({
      name: archiver.name,
      parameters: { ...archiver.parameters, serverName: original.metadata.name },
    });
  });

  test("deletes the Job of the migration, which cannot be changed, by its label", () => {
    const [, name] = /kubectl delete job -l app\.kubernetes\.io\/name=(\S+) --ignore-not-found/.exec(text) ?? [];
    const job = only(overlay.resources.filter(({ kind }) => kind === "Job"));
    expect(job.metadata.labels["app.kubernetes.io/name"]).toBe(name);
  });
});
