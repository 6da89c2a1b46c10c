/** What the manifests of an overlay say about each other: names, labels and ports that must fit together. */
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { matches, type Overlay, only, readOverlay, selectorSchema, selects } from "./support/manifests.ts";
import { canInstallTools } from "./support/tools.ts";

const texts = z.record(z.string(), z.string());
const metadata = z.looseObject({ name: z.string(), labels: texts.default({}), annotations: texts.default({}) });
const ports = z.array(z.looseObject({ name: z.string(), targetPort: z.string() }));
const serviceSchema = z.looseObject({ metadata, spec: z.looseObject({ selector: texts, ports }) });
const budgetSchema = z.looseObject({
  metadata,
  spec: z.looseObject({ maxUnavailable: z.number(), selector: selectorSchema }),
});
const policySchema = z.looseObject({
  metadata,
  spec: z.looseObject({ podSelector: selectorSchema, policyTypes: z.array(z.string()) }),
});
const backend = z.object({ service: z.object({ name: z.string(), port: z.object({ name: z.string() }) }) });
const ruleSchema = z.object({ host: z.string(), http: z.object({ paths: z.array(z.looseObject({ backend })) }) });
const ingressSchema = z.looseObject({
  spec: z.looseObject({
    tls: z.array(z.object({ hosts: z.array(z.string()), secretName: z.string() })),
    rules: z.array(ruleSchema),
  }),
});
const monitorSchema = z.looseObject({
  spec: z.looseObject({
    jobLabel: z.string(),
    selector: selectorSchema,
    endpoints: z.array(z.looseObject({ port: z.string() })),
  }),
});

const overlays = new Map<string, Overlay>();
function read(name: string): Overlay {
  const overlay = overlays.get(name);
  if (overlay === undefined) throw new Error(`${name} is not rendered`);
  return overlay;
}

describe.skipIf(!canInstallTools())("the manifests", () => {
  beforeAll(async () => {
    for (const name of ["dev", "production"]) overlays.set(name, await readOverlay(name));
  });

  describe.each(["dev", "production"])("of %s", (name) => {
    test("have a Service for each pod that has ports, with ports of these names", () => {
      for (const { metadata, spec } of read(name).all("Service", serviceSchema)) {
        const pod = only(read(name).pods.filter((each) => selects(spec.selector, each.metadata.labels)));
        const names = pod.spec.containers.flatMap((container) => container.ports.map((port) => port.name));
        for (const { targetPort } of spec.ports) expect(names, metadata.name).toContain(targetPort);
      }
    });

    test("let a drained node evict one pod of the service at a time", () => {
      const { spec } = read(name).one("PodDisruptionBudget", "concert-ticket-api", budgetSchema);
      expect(spec.maxUnavailable).toBe(1);
      expect(matches(spec.selector, read(name).service.metadata.labels)).toBe(true);
    });

    test("spread the pods of the service over zones and nodes", () => {
      const constraint = z.looseObject({ topologyKey: z.string(), labelSelector: selectorSchema });
      const constraints = z.array(constraint).parse(read(name).service.spec.topologySpreadConstraints);
      expect(constraints.map(({ topologyKey }) => topologyKey)).toEqual([
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
      ]);
      for (const { labelSelector } of constraints) {
        expect(matches(labelSelector, read(name).service.metadata.labels)).toBe(true);
      }
    });

    test("replace pods without losing one that serves, and leave their number to kubectl and autoscalers", () => {
      const deployment = read(name).one("Deployment", "concert-ticket-api", z.looseObject({ spec: z.looseObject({}) }));
      expect(deployment.spec).toMatchObject({ strategy: { rollingUpdate: { maxUnavailable: 0 } } });
      expect(deployment.spec).not.toHaveProperty("replicas");
    });
  });

  test("of dev have no autoscaler, so that `kubectl autoscale` can create one", () => {
    expect(read("dev").resources.filter(({ kind }) => kind === "HorizontalPodAutoscaler")).toEqual([]);
  });

  test("of production are all in one namespace, which enforces the restricted profile", () => {
    const { resources } = read("production");
    const inOthers = resources.filter(
      ({ kind, metadata }) => kind !== "Namespace" && metadata.namespace !== "frontrow",
    );
    expect(inOthers).toEqual([]);
    const namespace = read("production").one("Namespace", "frontrow", z.looseObject({ metadata }));
    expect(namespace.metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" });
  });

  test("of production name the version of the image, and the migration has it in its name", () => {
    const images = read("production").pods.flatMap(({ spec }) => spec.containers.map(({ image }) => image));
    const image = only([...new Set(images)]);
    expect(image).toMatch(/:\d+\.\d+\.\d+$/);
    const job = only(read("production").resources.filter(({ kind }) => kind === "Job"));
    expect(job.metadata.name).toBe(`concert-ticket-api-migration-${image.split(":").at(-1)}`);
  });

  test("of production require tokens and a verified certificate of the database", () => {
    expect(read("production").settings).toMatchObject({
      APP_AUTH_MODE: "jwt",
      APP_DATABASE_SSLMODE: "verify-full",
      APP_DATABASE_SSL_CA_FILE: "/etc/concert-database/ca.crt",
    });
  });

  test("of production lead calls over TLS to ports that the Service has", () => {
    const { tls, rules } = only(read("production").all("Ingress", ingressSchema)).spec;
    const hosts = rules.map(({ host }) => host);
    expect(tls.flatMap((each) => each.hosts)).toEqual(hosts);
    const backends = rules.flatMap(({ http }) => http.paths.map((path) => path.backend.service));
    expect(backends.map((service) => service.port.name)).toEqual(["http", "grpc"]);
    for (const { name, port } of backends) {
      const service = read("production").one("Service", name, serviceSchema);
      expect(service.spec.ports.map((each) => each.name)).toContain(port.name);
      expect(service.metadata.annotations).toMatchObject({
        "traefik.ingress.kubernetes.io/service.serversscheme": "h2c",
      });
    }
  });

  test("of production deny what no policy allows, and have a policy for each pod", () => {
    const policies = read("production").all("NetworkPolicy", policySchema);
    const isDefault = ({ metadata }: (typeof policies)[number]) => metadata.name === "default-deny";
    const defaults = only(policies.filter(isDefault)).spec;
    const others = policies.filter((policy) => !isDefault(policy));
    expect(defaults).toEqual({ podSelector: { matchLabels: {}, matchExpressions: [] }, policyTypes: ["Ingress"] });
    for (const { owner, metadata } of read("production").pods) {
      const own = others.filter(({ spec }) => matches(spec.podSelector, metadata.labels));
      expect(only(own).spec.policyTypes, owner).toEqual(["Ingress", "Egress"]);
    }
  });

  test("of production have Prometheus scrape one Service, as the job that the rules name", () => {
    const { jobLabel, selector, endpoints } = only(read("production").all("ServiceMonitor", monitorSchema)).spec;
    const services = read("production").all("Service", serviceSchema);
    const service = only(services.filter(({ metadata }) => matches(selector, metadata.labels)));
    expect(service.metadata.labels[jobLabel]).toBe("frontrow");
    expect(service.spec.ports.map(({ name }) => name)).toContain(only(endpoints).port);
    const rules = only(read("production").resources.filter(({ kind }) => kind === "PrometheusRule"));
    expect(JSON.stringify(rules)).toContain('job=\\"frontrow\\"');
  });
});
