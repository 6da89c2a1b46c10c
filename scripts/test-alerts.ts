/**
 * Checks deploy/prometheus and deploy/grafana: the configuration, the rules and their tests by promtool, the syntax of every
 * query, and that every query reads metrics that a running service exports. Without promtool (Debian's package
 * `prometheus`) only the last is checked.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { dashboardQueries } from "./monitoring/dashboard-file.ts";
import { missingFrom, missingLabels } from "./monitoring/exported.ts";
import { selectorsOf } from "./monitoring/promql.ts";
import { prometheusFiles, rules, ruleTestFiles } from "./monitoring/rules.ts";
import { exportedSeries } from "./monitoring/scrape.ts";

const say = (line: string) => void process.stdout.write(`test:alerts: ${line}\n`);

const queries = [
  ...rules.map(({ alert, record, expr }) => ({ name: alert ?? record ?? "", expression: expr, legend: "" })),
  ...dashboardQueries,
];

function promtool(...args: string[]): boolean {
  const { status } = spawnSync("promtool", args, { stdio: ["ignore", "inherit", "inherit"] });
  return status === 0;
}

/** Whether promtool accepts the configuration, the rules and the queries, and their tests pass. */
function checkByPromtool(): boolean {
  if (spawnSync("promtool", ["--version"]).status !== 0) {
    say("SKIPPED: the syntax and the tests of the rules, because `promtool` is not installed");
    return true;
  }
  const passed = [
    promtool("check", "config", ...prometheusFiles),
    promtool("test", "rules", ...ruleTestFiles),
    areQueriesValid(),
  ];
  return passed.every(Boolean);
}

/** promtool parses expressions in files of rules only: each query becomes a rule of such a file, with Grafana's interval. */
function areQueriesValid(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "frontrow-queries-"));
  try {
    const file = join(folder, "queries.yml");
    const asRules = queries.map(({ expression }, index) => ({
      record: `query_${index}`,
      expr: expression.replaceAll("$__rate_interval", "1m"),
    }));
    writeFileSync(file, stringify({ groups: [{ name: "queries", rules: asRules }] }));
    return promtool("check", "rules", file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether each query reads what the service exports with some workers, Prometheus itself has, or a rule records. */
async function areMetricsExported(workers: number): Promise<boolean> {
  const exported = await exportedSeries(workers);
  const others = new Set(["up", "ALERTS", ...rules.map(({ record }) => record)]);
  const problems = queries.flatMap(({ name, expression, legend = "" }) => {
    const selectors = selectorsOf(expression);
    const missing = selectors
      .filter(({ metric }) => !others.has(metric))
      .map((selector) => missingFrom(exported, selector))
      .filter((problem) => problem !== undefined);
    const unknown = missingLabels(exported, selectors, legend).map((label) => `no metric has the label ${label}`);
    return [...missing, ...unknown].map((problem) => `${name}: ${problem}`);
  });
  for (const problem of problems) say(`APP_WORKERS=${workers}: ${problem}`);
  if (problems.length === 0) say(`APP_WORKERS=${workers}: ${queries.length} queries read what the service exports`);
  return problems.length === 0;
}

// One process serves by itself. With workers the primary sums up what they have.
const checks = [checkByPromtool(), await areMetricsExported(1), await areMetricsExported(2)];
if (!checks.every(Boolean)) process.exitCode = 1;
