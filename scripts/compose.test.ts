/** What compose.yaml must keep, whatever is added to it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

interface Service {
  readonly image?: string;
  readonly build?: object;
  readonly profiles?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly restart?: string;
  readonly logging?: { readonly options: object };
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

const text = readFileSync(join(import.meta.dirname, "..", "compose.yaml"), "utf8");
const file = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
};
const services = Object.entries(file.services);
/** The image starts as root to change the owner of its folder. */
const writes = ["db"];

test("the profiles are those of the documents, and what has none is the service and its database", () => {
  const profiles = new Set(services.flatMap(([, { profiles = ["none"] }]) => profiles));
  expect([...profiles].sort()).toEqual(["ha", "none", "observability", "scale"]);
  expect(services.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)).toEqual(["app", "db"]);
});

test("every variable has a default, so that no command needs one", () => {
  const variables = text.match(/(?<!\$)\$\{[^}]+\}/g) ?? [];
  expect(variables.filter((variable) => !/^\$\{[A-Z0-9_]+:?-.*\}$/.test(variable))).toEqual([]);
});

describe.each(services)("the service %s", (name, service) => {
  test("has a version, or is built here", () => {
    if (service.build) return;
    expect(service.image).toMatch(/^[\w./-]+:v?\d+(\.\d+)*$/);
  });

  test("restarts, and its log is bounded", () => {
    expect(service).toMatchObject({ restart: "unless-stopped", logging: { options: { "max-size": "10m" } } });
  });

  test.skipIf(writes.includes(name))("has no rights but those that it needs", () => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
  });

  test("mounts files of the repository read-only, and volumes that exist", () => {
    for (const volume of service.volumes ?? []) {
      if (volume.startsWith("./")) expect(volume).toMatch(/:ro$/);
      else expect(file.volumes).toHaveProperty(volume.replace(/:.*/, ""));
    }
  });

  test("publishes ports to other machines only if clients call them", () => {
    const isForClients = ["app", "balancer"].includes(name);
    const ports = (service.ports ?? []).filter((port) => !port.startsWith("127.0.0.1:"));
    expect(ports).toHaveLength(isForClients ? 2 : 0);
  });
});
