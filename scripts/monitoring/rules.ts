/** The rules of deploy/prometheus and their tests, as promtool reads them. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const folder = join(import.meta.dirname, "..", "..", "deploy", "prometheus");

export const prometheusFiles = globSync("*.yml", { cwd: folder })
  .sort()
  .map((file) => join(folder, file));
export const ruleTestFiles = globSync("tests/*.yml", { cwd: folder })
  .sort()
  .map((file) => join(folder, file));

const texts = z.record(z.string(), z.string());
const ruleSchema = z.object({
  alert: z.string().optional(),
  record: z.string().optional(),
  expr: z.string(),
  labels: texts.default({}),
  annotations: texts.default({}),
});
const ruleFileSchema = z.object({ groups: z.array(z.object({ name: z.string(), rules: z.array(ruleSchema) })) });
const testFileSchema = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })).default([]),
      promql_expr_test: z.array(z.object({ expr: z.string() })).default([]),
    }),
  ),
});

const readYaml = (file: string): unknown => parse(readFileSync(file, "utf8"));

/** Every rule, of all files. */
export const rules = globSync("rules/*.yml", { cwd: folder })
  .sort()
  .flatMap((file) => ruleFileSchema.parse(readYaml(join(folder, file))).groups.flatMap((group) => group.rules));

const tests = ruleTestFiles.flatMap((file) => testFileSchema.parse(readYaml(file)).tests);

/** The expectations of alerts, of all tests. */
export const alertTests = tests.flatMap((test) => test.alert_rule_test);

/** The expressions whose value a test expects. */
export const testedExpressions = tests.flatMap((test) => test.promql_expr_test.map(({ expr }) => expr));
