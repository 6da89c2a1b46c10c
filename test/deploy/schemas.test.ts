/** Each manifest that the overlays render is valid for the oldest and the newest version of Kubernetes that we support. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { projectRoot } from "../support/project-root.ts";
import { customSchema, type Overlay, readOverlay, resourceSchema } from "./support/manifests.ts";
import { canInstallTools, validate } from "./support/tools.ts";

const asText = (resources: readonly unknown[]) => resources.map((resource) => stringify(resource)).join("---\n");
const overlays = new Map<string, Overlay>();
const read = (name: string) => overlays.get(name)?.resources ?? [];

describe.skipIf(!canInstallTools())("the manifests", () => {
  beforeAll(async () => {
    for (const name of ["dev", "production"]) overlays.set(name, await readOverlay(name));
  });

  test.each([
    ["dev", "1.30"],
    ["dev", "1.37"],
    ["production", "1.30"],
    ["production", "1.37"],
  ])("of %s are valid for Kubernetes %s", async (name, version) => {
    const own = read(name).filter((resource) => customSchema(resource) === undefined);
    expect(own.length).toBeGreaterThan(5);
    expect(await validate(asText(own), version)).toBe("");
  });

  test("of production that are custom resources are valid by the schemas of their operators", () => {
    const custom = read("production").filter((resource) => customSchema(resource) !== undefined);
    const problems = custom.flatMap((resource) => customSchema(resource)?.safeParse(resource).error?.issues ?? []);
    expect(problems).toEqual([]);
    expect(new Set(custom.map(({ kind }) => kind))).toEqual(
      new Set(["Cluster", "ObjectStore", "Pooler", "PrometheusRule", "ScheduledBackup", "ServiceMonitor"]),
    );
  });

  test("in the documents are valid by the same schemas", () => {
    const page = readFileSync(join(projectRoot, "docs/operations.md"), "utf8");
    const blocks = [...page.matchAll(/```yaml manifest\n(apiVersion: .*?)```/gs)].map(([, block = ""]) => block);
    const documented = blocks.map((block) => resourceSchema.parse(parse(block)));
    expect(documented.map(({ kind }) => kind)).toEqual(["Cluster"]);
    for (const resource of documented) expect(customSchema(resource)?.safeParse(resource).error).toBeUndefined();
  });

  test("of Kubernetes with a misspelled field, or of an unknown kind, are found", async () => {
    const [deployment] = read("dev").filter(({ kind }) => kind === "Deployment");
    expect(await validate(asText([{ ...deployment, spek: {} }]), "1.37")).toContain("'spek' was unexpected");
    expect(await validate(asText([{ ...deployment, kind: "Deploiment" }]), "1.37")).toContain("Deploiment");
  });

  test("of operators with a misspelled field are found at any depth", () => {
    const [cluster] = read("production").filter(({ kind }) => kind === "Cluster");
    if (cluster === undefined) throw new Error("there is no Cluster");
    const wrong = { ...cluster, spec: { ...Object(cluster.spec), postgresql: { synchronous: { metod: "any" } } } };
    const paths = customSchema(cluster)
      ?.safeParse(wrong)
      .error?.issues.map(({ path }) => path.join("."));
    expect(paths).toContain("spec.postgresql.synchronous");
  });
});
