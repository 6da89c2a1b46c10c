/**
 * Writes the rules of deploy/prometheus as the custom resource that Prometheus's operator reads. `--verify` only compares and
 * fails when they differ.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";

const deploy = join(import.meta.dirname, "..", "deploy");
const file = join(deploy, "kubernetes", "overlays", "production", "prometheus-rule.yaml");

const ruleFileSchema = z.object({ groups: z.array(z.unknown()) });
const groups = globSync("prometheus/rules/*.yml", { cwd: deploy })
  .sort()
  .flatMap((name) => ruleFileSchema.parse(parse(readFileSync(join(deploy, name), "utf8"))).groups);
const labels = { "app.kubernetes.io/name": "concert-ticket-api", "app.kubernetes.io/part-of": "frontrow" };
const rule = {
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PrometheusRule",
  metadata: { name: "concert-ticket-api", labels },
  spec: { groups },
};
const text = `# Generated from deploy/prometheus/rules by \`npm run generate\`.\n${stringify(rule, { lineWidth: 0 })}`;

if (!process.argv.includes("--verify")) writeFileSync(file, text);
else if (readFileSync(file, "utf8") !== text) {
  process.stdout.write("the PrometheusRule is out of date: run `npm run generate` and commit it\n");
  process.exitCode = 1;
}
