/** What an overlay renders, with the parts of it that the tests compare. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { projectRoot } from "../../support/project-root.ts";
import { render } from "./tools.ts";

const texts = z.record(z.string(), z.string());
/** What every manifest has. */
export const resourceSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional(), labels: texts.default({}) }),
});
const probeSchema = z.looseObject({ httpGet: z.object({ path: z.string(), port: z.string() }).optional() });
const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).default([]),
  env: z
    .array(
      z.object({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) }).optional(),
      }),
    )
    .default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  resources: z.object({ requests: texts, limits: texts }),
  securityContext: z.looseObject({}),
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
  startupProbe: probeSchema.optional(),
  readinessProbe: probeSchema.optional(),
  livenessProbe: probeSchema.optional(),
});
const podSchema = z.looseObject({
  metadata: z.object({ labels: texts }),
  spec: z.looseObject({
    terminationGracePeriodSeconds: z.number().default(30),
    securityContext: z.looseObject({}),
    containers: z.array(containerSchema),
    volumes: z.array(z.looseObject({ name: z.string() })).default([]),
  }),
});
const workloadSchema = z.looseObject({ spec: z.looseObject({ template: podSchema }) });

export type Resource = z.infer<typeof resourceSchema>;
export type Container = z.infer<typeof containerSchema>;
export type Pod = z.infer<typeof podSchema> & { readonly owner: string };

export interface Overlay {
  readonly resources: readonly Resource[];
  /** Those of one kind, read by a schema. */
  all<Value>(kind: string, schema: z.ZodType<Value>): Value[];
  /** The only one of a kind and name. */
  one<Value>(kind: string, name: string, schema: z.ZodType<Value>): Value;
  /** The pods of Deployments, StatefulSets and Jobs. */
  readonly pods: readonly Pod[];
  /** The pod and the container of the service. */
  readonly service: Pod;
  readonly serviceContainer: Container;
  /** The settings of the service that are no secrets. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Renders an overlay. */
export async function readOverlay(name: string): Promise<Overlay> {
  const documents = parseAllDocuments(await render(`deploy/kubernetes/overlays/${name}`));
  const resources = documents.map((document) => resourceSchema.parse(document.toJS()));
  const ofKind = (kind: string) => resources.filter((resource) => resource.kind === kind);
  const pods = ["Deployment", "StatefulSet", "Job"].flatMap((kind) =>
    ofKind(kind).map((resource) => ({
      ...workloadSchema.parse(resource).spec.template,
      owner: `${kind} ${resource.metadata.name}`,
    })),
  );
  const service = only(pods.filter(({ owner }) => owner === "Deployment concert-ticket-api"));
  return {
    resources,
    all: (kind, schema) => ofKind(kind).map((resource) => schema.parse(resource)),
    one: (kind, name, schema) => schema.parse(only(ofKind(kind).filter(({ metadata }) => metadata.name === name))),
    pods,
    service,
    serviceContainer: only(service.spec.containers),
    settings: texts.parse(only(ofKind("ConfigMap")).data),
  };
}

/** The only element of a list. */
export function only<Element>(elements: readonly Element[]): Element {
  const [element] = elements;
  if (element === undefined || elements.length > 1) throw new Error(`${elements.length} elements instead of one`);
  return element;
}

/** The schema that deploy/kubernetes/schemas has for a custom resource; undefined for Kubernetes' own kinds. */
export function customSchema({ apiVersion, kind }: Resource): z.ZodType | undefined {
  const [group = "", version = ""] = apiVersion.split("/");
  const name = `${kind}-${group.split(".")[0]}-${version}.json`.toLowerCase();
  const file = join(projectRoot, "deploy", "kubernetes", "schemas", name);
  return existsSync(file) ? z.fromJSONSchema(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

/** A LabelSelector. Operators that no manifest has are refused, so that none of them is ignored. */
export const selectorSchema = z.strictObject({
  matchLabels: texts.default({}),
  matchExpressions: z.array(z.strictObject({ key: z.string(), operator: z.literal("Exists") })).default([]),
});
export type Selector = z.infer<typeof selectorSchema>;

/** Whether a LabelSelector selects what has these labels. */
export function matches(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  return (
    selects(selector.matchLabels, labels) && selector.matchExpressions.every(({ key }) => labels[key] !== undefined)
  );
}

/** Whether labels have all values of a Service's selector. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
