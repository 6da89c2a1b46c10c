/** Which connections the network policies of production allow. */
import { beforeAll, describe, expect, test } from "vitest";
import { readOverlay } from "./support/manifests.ts";
import { allows, type Place, policySchema } from "./support/network.ts";
import { canInstallTools } from "./support/tools.ts";

const namespace = "frontrow";
// The labels that CloudNativePG gives to its pods.
const ofCluster = (cluster: string) => ({ "cnpg.io/cluster": cluster });
const instance = (cluster: string): Place => ({
  namespace,
  labels: { ...ofCluster(cluster), "cnpg.io/podRole": "instance" },
});
const pooler = (cluster: string, name: string): Place => ({
  namespace,
  labels: { ...ofCluster(cluster), "cnpg.io/podRole": "pooler", "cnpg.io/poolerName": name },
});
const named = (name: string) => ({ "app.kubernetes.io/name": name });
const elsewhere = (name: string): Place => ({ namespace: name, labels: { app: "any" } });

const places = {
  service: { namespace, labels: named("concert-ticket-api"), ports: { http: 8080, grpc: 50051, metrics: 9464 } },
  migration: { namespace, labels: named("concert-ticket-api-migration") },
  primary: instance("concert-database"),
  standby: instance("concert-database"),
  pooler: pooler("concert-database", "concert-database-pooler"),
  // As docs/operations.md names them.
  "restored primary": instance("concert-database-restored"),
  "restored standby": instance("concert-database-restored"),
  // Of the Job that copies the data of a primary to a new standby.
  "restored joiner": { namespace, labels: { ...ofCluster("concert-database-restored"), "cnpg.io/jobRole": "join" } },
  "restored pooler": pooler("concert-database-restored", "concert-database-restored-pooler"),
  // Of cert-manager, which starts it beside the Ingress.
  solver: { namespace, labels: { "acme.cert-manager.io/http01-solver": "true" } },
  redis: { namespace, labels: { app: "redis" } },
  traefik: elsewhere("traefik"),
  operator: elsewhere("cnpg-system"),
  monitoring: elsewhere("monitoring"),
  dns: elsewhere("kube-system"),
  stranger: elsewhere("default"),
  "identity provider": "203.0.113.10",
  "object store": "203.0.113.20",
  "cloud metadata": "169.254.169.254",
  "private network": "10.20.30.40",
} satisfies Record<string, Place | string>;
type Name = keyof typeof places;

describe.skipIf(!canInstallTools())("the network policies of production", () => {
  let isAllowed: (from: Name, to: Name, port: number) => boolean;
  beforeAll(async () => {
    const policies = (await readOverlay("production")).all("NetworkPolicy", policySchema);
    isAllowed = (from, to, port) => {
      const source = places[from];
      if (typeof source === "string") throw new Error(`${from} is outside of the cluster`);
      return allows(policies, namespace, [source, places[to], port]);
    };
  });

  test.each<[Name, Name, number]>([
    ["traefik", "service", 8080],
    ["traefik", "service", 50051],
    ["traefik", "solver", 8089],
    ["monitoring", "service", 9464],
    ["service", "dns", 53],
    ["service", "pooler", 5432],
    ["service", "identity provider", 443],
    ["service", "monitoring", 4318],
    ["migration", "dns", 53],
    ["migration", "primary", 5432],
    ["pooler", "primary", 5432],
    ["standby", "primary", 5432],
    ["standby", "primary", 8000],
    ["operator", "primary", 8000],
    ["operator", "primary", 5432],
    ["monitoring", "primary", 9187],
    ["monitoring", "pooler", 9127],
    ["primary", "object store", 443],
    ["service", "restored pooler", 5432],
    ["migration", "restored primary", 5432],
    ["restored pooler", "restored primary", 5432],
    ["restored standby", "restored primary", 5432],
    ["restored standby", "restored primary", 8000],
    ["restored joiner", "restored primary", 5432],
    ["operator", "restored primary", 8000],
    ["operator", "restored primary", 5432],
    ["monitoring", "restored primary", 9187],
    ["monitoring", "restored pooler", 9127],
    ["restored primary", "object store", 443],
  ])("allow %s to reach %s at port %i", (...connection) => {
    expect(isAllowed(...connection)).toBe(true);
  });

  test.each<[Name, Name, number]>([
    ["stranger", "service", 8080],
    ["stranger", "pooler", 5432],
    ["stranger", "primary", 5432],
    ["stranger", "redis", 6379],
    ["stranger", "solver", 8089],
    ["traefik", "service", 9464],
    ["traefik", "pooler", 5432],
    ["monitoring", "service", 8080],
    ["service", "primary", 5432],
    ["service", "service", 8080],
    ["service", "cloud metadata", 443],
    ["service", "private network", 443],
    ["service", "identity provider", 80],
    ["migration", "pooler", 5432],
    ["migration", "identity provider", 443],
    ["stranger", "migration", 80],
    ["stranger", "restored pooler", 5432],
    ["stranger", "restored primary", 5432],
    ["stranger", "restored primary", 8000],
    ["traefik", "restored pooler", 5432],
    ["service", "restored primary", 5432],
    ["migration", "restored pooler", 5432],
    ["redis", "restored primary", 5432],
  ])("do not allow %s to reach %s at port %i", (...connection) => {
    expect(isAllowed(...connection)).toBe(false);
  });
});
