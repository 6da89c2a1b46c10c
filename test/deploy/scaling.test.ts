/** The numbers of the production overlay: pods, connections, standbys, backups. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { projectRoot } from "../support/project-root.ts";
import { type Overlay, only, readOverlay } from "./support/manifests.ts";
import { canInstallTools } from "./support/tools.ts";

const texts = z.record(z.string(), z.string());
const metricSchema = z.union([
  z.object({ type: z.literal("Resource"), resource: z.looseObject({ name: z.string() }) }),
  z.object({
    type: z.literal("Pods"),
    pods: z.object({ metric: z.object({ name: z.string() }), target: z.looseObject({ averageValue: z.string() }) }),
  }),
]);
const autoscalerSchema = z.looseObject({
  spec: z.looseObject({
    scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }),
    minReplicas: z.number(),
    maxReplicas: z.number(),
    metrics: z.array(metricSchema),
  }),
});
const adapterSchema = z.looseObject({
  rules: z.looseObject({
    custom: z.array(z.looseObject({ seriesQuery: z.string(), name: z.object({ as: z.string() }) })),
  }),
});
const clusterSchema = z.looseObject({
  spec: z.looseObject({
    instances: z.number(),
    certificates: z.object({ serverAltDNSNames: z.array(z.string()) }),
    bootstrap: z.object({ initdb: z.looseObject({ database: z.string() }) }),
    managed: z.object({
      roles: z.array(z.looseObject({ name: z.string(), passwordSecret: z.object({ name: z.string() }) })),
    }),
    postgresql: z.object({ synchronous: z.unknown(), parameters: texts }),
    plugins: z.array(z.object({ name: z.string(), isWALArchiver: z.boolean(), parameters: texts })),
  }),
});
const cluster = z.object({ name: z.string() });
const poolerSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    cluster,
    type: z.string(),
    instances: z.number(),
    pgbouncer: z.object({ poolMode: z.string(), parameters: texts }),
  }),
});
const backupSchema = z.looseObject({
  spec: z.looseObject({ cluster, schedule: z.string(), pluginConfiguration: z.object({ name: z.string() }) }),
});

/** Two connections of each pod are not in the pool: the probe's, and the one that settles commits. */
const connectionsOf = ({ settings }: Overlay) => Number(settings.APP_DATABASE_POOL_SIZE) + 2;

test.skipIf(!canInstallTools())("dev has connections for the ten pods of the documented autoscaler", async () => {
  const overlay = await readOverlay("dev");
  const postgres = only(overlay.pods.filter(({ owner }) => owner === "StatefulSet postgres"));
  const [, connections] = /max_connections=(\d+)/.exec(only(postgres.spec.containers).args.join(" ")) ?? [];
  expect(Number(connections)).toBeGreaterThan(11 * connectionsOf(overlay));
});

describe.skipIf(!canInstallTools())("production", () => {
  let overlay: Overlay;
  beforeAll(async () => {
    overlay = await readOverlay("production");
  });
  const autoscaler = () => only(overlay.all("HorizontalPodAutoscaler", autoscalerSchema)).spec;
  const pooler = () => only(overlay.all("Pooler", poolerSchema));
  const database = () => overlay.one("Cluster", "concert-database", clusterSchema).spec;

  test("has one autoscaler, on the processor and on the queue", () => {
    const { scaleTargetRef, minReplicas, maxReplicas, metrics } = autoscaler();
    expect(scaleTargetRef).toMatchObject({ kind: "Deployment", name: "concert-ticket-api" });
    expect([minReplicas, maxReplicas]).toEqual([3, 10]);
    expect(metrics.map(({ type }) => type)).toEqual(["Resource", "Pods"]);
  });

  test("adds pods when a quarter of their queues waits, and the memory of a pod is enough for a full queue", () => {
    const target = only(autoscaler().metrics.flatMap((each) => (each.type === "Pods" ? [each.pods.target] : [])));
    expect(4 * Number(target.averageValue)).toBe(Number(overlay.settings.APP_MAX_QUEUED_REQUESTS));
    // docs/operations.md#memory: 1 GiB is enough for 4,000 calls.
    expect(overlay.settings.APP_MAX_QUEUED_REQUESTS).toBe("4000");
    expect(overlay.serviceContainer.resources.limits.memory).toBe("1Gi");
  });

  test("scales on a metric that the service exports and the rule of prometheus-adapter offers", () => {
    const name = only(autoscaler().metrics.flatMap((each) => (each.type === "Pods" ? [each.pods.metric.name] : [])));
    const file = join(projectRoot, "deploy/kubernetes/overlays/production/prometheus-adapter-values.yaml");
    const rule = only(adapterSchema.parse(parse(readFileSync(file, "utf8"))).rules.custom);
    expect(rule.name.as).toBe(name);
    expect(rule.seriesQuery).toMatch(new RegExp(`^${name}\\{`));
    expect(readFileSync(join(projectRoot, "docs/operations.md"), "utf8")).toContain(`| \`${name}\` | gauge |`);
  });

  test("has connections for all pods, also while an update has one more", () => {
    const { instances, pgbouncer } = pooler().spec;
    const clients = (autoscaler().maxReplicas + 1) * connectionsOf(overlay);
    expect(Number(pgbouncer.parameters.max_client_conn)).toBeGreaterThanOrEqual(clients);
    const servers = instances * Number(pgbouncer.parameters.default_pool_size);
    expect(Number(database().postgresql.parameters.max_connections)).toBeGreaterThanOrEqual(servers + 30);
  });

  test("reaches the primary through PgBouncer in transaction mode, by a name in the certificate", () => {
    const { metadata, spec } = pooler();
    expect(spec).toMatchObject({ cluster: { name: "concert-database" }, type: "rw" });
    expect(spec.pgbouncer).toMatchObject({
      poolMode: "transaction",
      parameters: { server_login_retry: "1", client_tls_sslmode: "require" },
    });
    expect(overlay.settings).toMatchObject({
      APP_DATABASE_HOST: metadata.name,
      APP_DATABASE_NAME: database().bootstrap.initdb.database,
      APP_DATABASE_PREPARED_STATEMENTS: "false",
    });
    expect(database().certificates.serverAltDNSNames).toContain(metadata.name);
  });

  test("acknowledges a booking when one of two standbys has it, and promotes none that may lack it", () => {
    expect(database().instances).toBe(3);
    expect(database().postgresql.synchronous).toEqual({
      ...{ method: "any", number: 1, dataDurability: "required", failoverQuorum: true },
    });
  });

  test("archives the log and makes base backups to the same store", () => {
    const plugin = only(database().plugins);
    expect(plugin.isWALArchiver).toBe(true);
    const name = plugin.parameters.barmanObjectName ?? "";
    overlay.one("ObjectStore", name, z.looseObject({ spec: z.looseObject({ retentionPolicy: z.literal("30d") }) }));
    const backup = only(overlay.all("ScheduledBackup", backupSchema)).spec;
    expect(backup.cluster.name).toBe("concert-database");
    expect(backup.pluginConfiguration.name).toBe(plugin.name);
    // Seconds, minutes, hours, and so on.
    expect(backup.schedule.split(" ")).toHaveLength(6);
  });
});
