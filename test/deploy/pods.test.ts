/** What every pod of the overlays must have: rights, resources, probes, secrets, an orderly end. */
import { beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { projectRoot } from "../support/project-root.ts";
import { type Container, type Overlay, only, readOverlay } from "./support/manifests.ts";
import { canInstallTools } from "./support/tools.ts";

/** Created by hand or by CloudNativePG, never by a manifest. */
const secrets = ["concert-database", "concert-database-app", "concert-database-ca", "concert-database-backups"];

/** The environment of a container, with a value in place of each secret. */
function environmentOf({ env, envFrom }: Container, { settings }: Overlay): Record<string, string> {
  const own = env.map(({ name, value = "secret" }) => [name, value] as const);
  return { ...(envFrom.length > 0 && settings), ...Object.fromEntries(own) };
}

const milliseconds = (duration: string | undefined) => Number(/^(\d+)s$/.exec(duration ?? "")?.[1]) * 1_000;

describe.skipIf(!canInstallTools()).each(["dev", "production"])("the pods of %s", (name) => {
  let overlay: Overlay;
  let containers: readonly (Container & { readonly owner: string })[];
  beforeAll(async () => {
    overlay = await readOverlay(name);
    containers = overlay.pods.flatMap(({ owner, spec }) => spec.containers.map((each) => ({ ...each, owner })));
    expect(containers).toHaveLength(2);
  });

  test("fulfil the restricted profile of pod security", () => {
    for (const { owner, spec } of overlay.pods) {
      const expected = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };
      expect(spec.securityContext, owner).toMatchObject(expected);
      expect(spec, owner).toMatchObject({ automountServiceAccountToken: false });
      expect(spec, owner).not.toHaveProperty("hostNetwork");
      // Of the volumes that the profile allows, the pods use these.
      for (const { name: _, ...source } of spec.volumes) expect(["secret"], owner).toContain(only(Object.keys(source)));
    }
    for (const { owner, securityContext } of containers) {
      const expected = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
      expect(securityContext, owner).toMatchObject(expected);
    }
  });

  test("of the service cannot write to their file system", () => {
    expect(overlay.serviceContainer.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
  });

  test("request and limit the processor and the memory", () => {
    for (const { owner, resources } of containers) {
      expect(Object.keys(resources.requests), owner).toEqual(["cpu", "memory"]);
      expect(Object.keys(resources.limits), owner).toEqual(["cpu", "memory"]);
    }
  });

  test("of the service are probed: liveness does not depend on the database, readiness does", () => {
    const { startupProbe, livenessProbe, readinessProbe } = overlay.serviceContainer;
    expect(startupProbe?.httpGet).toEqual({ path: "/livez", port: "http" });
    expect(livenessProbe?.httpGet).toEqual({ path: "/livez", port: "http" });
    expect(readinessProbe?.httpGet).toEqual({ path: "/readyz", port: "http" });
  });

  test("of the service have time for the preStop hook and the whole shutdown", () => {
    const { config } = loadSettings(overlay.serviceContainer);
    const preStopMs = (overlay.serviceContainer.lifecycle?.preStop.sleep.seconds ?? 0) * 1_000;
    expect(preStopMs).toBeGreaterThanOrEqual(5_000);
    expect([config.shutdownDelayMs, config.shutdownTimeoutMs]).toEqual(
      [overlay.settings.APP_SHUTDOWN_DELAY, overlay.settings.APP_SHUTDOWN_TIMEOUT].map(milliseconds),
    );
    const shutdownMs = preStopMs + config.shutdownDelayMs + config.shutdownTimeoutMs + 10_000;
    expect(overlay.service.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThanOrEqual(shutdownMs);
  });

  function loadSettings(container: Container) {
    const env = environmentOf(container, overlay);
    return loadConfig({ argv: container.args, env, readFile: () => undefined, projectRoot });
  }

  test("start the service with settings that it accepts, without a warning", () => {
    const started = containers.filter(({ image }) => image.includes("concert-ticket-api"));
    expect(started.length).toBeGreaterThan(0);
    for (const container of started) {
      const { config, warnings } = loadSettings(container);
      const expected = name === "dev" ? ["without authentication"] : [];
      expect(warnings.filter((warning) => !expected.some((text) => warning.includes(text)))).toEqual([]);
      expect(config.database.kind).toBe("external");
    }
  });

  test("get passwords from Secrets only, none of which is among the manifests", () => {
    expect(overlay.resources.filter(({ kind }) => kind === "Secret")).toEqual([]);
    expect(JSON.stringify(overlay.settings)).not.toMatch(/password|secret|:\/\/[^"/]*@/i);
    const references = containers.flatMap(({ env }) => env);
    for (const { name: variable, value, valueFrom } of references) {
      if (/PASSWORD|USERNAME/.test(variable)) expect([variable, value]).toEqual([variable, undefined]);
      if (valueFrom !== undefined) expect(secrets).toContain(valueFrom.secretKeyRef.name);
    }
  });
});
