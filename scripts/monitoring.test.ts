import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { readAccessRules } from "../src/rpc/access.ts";
import { dashboard, dashboardQueries } from "./monitoring/dashboard-file.ts";
import { missingFrom, missingLabels, parseMetrics } from "./monitoring/exported.ts";
import { selectorsOf } from "./monitoring/promql.ts";
import { alertTests, rules, testedExpressions } from "./monitoring/rules.ts";

const alerts = rules.filter(({ alert }) => alert !== undefined);
const selectors = rules.flatMap(({ expr }) => selectorsOf(expr));
const operations = readFileSync(join(import.meta.dirname, "..", "docs", "operations.md"), "utf8");

describe("the selectors of an expression", () => {
  it.each([
    ["up", ["up"]],
    ["sum by (job, le) (rate(a_total[2m])) / sum(b_total) by (job)", ["a_total", "b_total"]],
    ["a:b:rate2m > on (job) group_left (version) c or d unless e offset 15m", ["a:b:rate2m", "c", "d", "e"]],
    ["a * on (job) group_left b", ["a", "b"]],
    ["time() - max by (job) (a_seconds) > bool 3.6e3", ["a_seconds"]],
    ['rate(a_total{x="{y} [z] by (b)", c!~"d"}[$__rate_interval])', ["a_total"]],
    ["vector(NaN)", []],
    ["rate(a_total[2m", ["a_total"]],
    ['a_total{b="c"', ["a_total"]],
  ])("%s", (expression, metrics) => {
    expect(selectorsOf(expression).map(({ metric }) => metric)).toEqual(metrics);
  });

  it("have the conditions on labels", () => {
    expect(selectorsOf('a{b="c,d", e=~"f|g"} + h')).toEqual([
      {
        metric: "a",
        matchers: [
          { label: "b", operator: "=", value: "c,d" },
          { label: "e", operator: "=~", value: "f|g" },
        ],
      },
      { metric: "h", matchers: [] },
    ]);
  });

  it("need the name of a metric", () => {
    expect(() => selectorsOf('sum({job="frontrow"})')).toThrow("no name of a metric");
  });
});

describe("what a service exports", () => {
  const exported = parseMetrics(`# HELP a_total Help
# TYPE a_total counter
a_total{outcome="x",job="{y}"} 0
a_total{outcome="z"} 1.5e+3
# TYPE b_seconds histogram
b_seconds_bucket{le="+Inf",pool="main"} 0
# TYPE c_total counter
c_total{method="GetConcert",code="OK"} 1
# TYPE d_total counter
`);

  it.each([
    "a_total",
    'a_total{outcome="x"} or a_total{outcome=~"x|z"} or a_total{outcome!="y"}',
    'b_seconds_bucket{pool="main",le="1"} / b_seconds_count',
    'c_total{code="Internal",job="frontrow"} / d_total{code="Internal"}',
  ])("has %s", (expression) => {
    expect(selectorsOf(expression).map((selector) => missingFrom(exported, selector))).toEqual(
      selectorsOf(expression).map(() => undefined),
    );
  });

  it.each([
    ["b_seconds", "the service has no metric b_seconds"],
    ['a_total{outcome=~"x|y"}', 'a_total has no outcome="y" at the start'],
    ['a_total{state="x"}', "a_total has no label state at the start"],
    ['a_total{code="OK"}', "a_total has no label code at the start"],
  ])("does not have %s", (expression, problem) => {
    expect(selectorsOf(expression).map((selector) => missingFrom(exported, selector))).toEqual([problem]);
  });
});

it("a legend shows labels of its metrics, of Prometheus or of a rule", () => {
  const exported = parseMetrics('a_total{outcome="x"} 0\n');
  const labels = (expression: string, legend: string) => missingLabels(exported, selectorsOf(expression), legend);
  expect(labels("a_total", "{{instance}}, {{outcome}}")).toEqual([]);
  expect(labels("job_lane:a:rate2m", "{{lane}}")).toEqual([]);
  expect(labels("sum by (of) (a_total)", "{{of}}, {{outcome}}")).toEqual(["of"]);
});

describe.each(alerts)("the alert $alert", ({ alert = "", labels, annotations }) => {
  const heading = `### ${alert}`;

  it("has a severity, a summary and a description", () => {
    expect(["critical", "warning", "info"]).toContain(labels.severity);
    expect(annotations).toEqual({
      summary: expect.stringMatching(/./),
      description: expect.stringMatching(/\.$/),
      runbook: `docs/operations.md#${alert.toLowerCase()}`,
    });
  });

  it("has its paragraph in docs/operations.md", () => {
    expect(operations.split("\n")).toContain(heading);
  });

  it("fires in one test and does not in another", () => {
    const fires = alertTests.filter(({ alertname }) => alertname === alert).map((test) => test.exp_alerts.length > 0);
    expect(new Set(fires)).toEqual(new Set([true, false]));
  });
});

it("each paragraph about an alert has its alert", () => {
  const headings = operations.match(/(?<=^### )Frontrow\w+$/gm);
  expect(headings).toEqual(alerts.map(({ alert }) => alert));
});

it("each recording rule is read by another rule or has its value in a test", () => {
  const tested = [...selectors, ...testedExpressions.flatMap(selectorsOf)].map(({ metric }) => metric);
  const untested = rules.filter(({ record }) => record !== undefined && !tested.includes(record));
  expect(untested).toEqual([]);
});

const services = [BookingService, ConcertService];
const methods = services.flatMap((service) => service.methods);

it("the recorded lanes have the methods that the schema gives them", () => {
  const ruleOf = readAccessRules(services);
  const recorded = rules.flatMap(({ expr, labels }) =>
    selectorsOf(expr).flatMap(({ metric, matchers }) =>
      matchers.filter(({ label }) => label === "method").map(({ value }) => ({ metric, lane: labels.lane, value })),
    ),
  );
  const methodsOf = (pattern: string) =>
    methods.filter(({ name }) => new RegExp(`^(?:${pattern})$`).test(name)).map(({ name }) => name);
  const lanes = Map.groupBy(methods, (method) => ruleOf(method).lane);
  const expected = [...lanes].map(([lane, its]) => ({ lane, methods: its.map(({ name }) => name) }));
  for (const metric of ["frontrow_calls_total", "frontrow_call_duration_seconds_bucket"]) {
    const found = recorded
      .filter((each) => each.metric === metric)
      .map(({ lane, value }) => ({ lane, methods: methodsOf(value) }));
    expect(new Set(found)).toEqual(new Set(expected));
  }
});

it("codes are those of Connect", () => {
  const codes = new Set(["OK", ...Object.values(Code)]);
  const ofDashboard = dashboardQueries.flatMap(({ expression }) => selectorsOf(expression));
  const named = [...selectors, ...ofDashboard].flatMap(({ matchers }) =>
    matchers.filter(({ label }) => label === "code").flatMap(({ value }) => value.split("|")),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((code) => !codes.has(code))).toEqual([]);
});

describe("the dashboard", () => {
  const { panels } = dashboard;
  const rows = panels.filter(({ type }) => type === "row").map(({ title }) => title);
  const graphs = panels.filter(({ type }) => type !== "row").map(({ title }) => title);

  it("has panels with unique ids and titles", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(graphs).size).toBe(graphs.length);
  });

  it.each(panels.filter(({ type }) => type !== "row"))("says what to read from $title", ({ description, targets }) => {
    expect(description).toMatch(/\.$/);
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr, legendFormat } of targets) expect([expr, legendFormat]).not.toContain("");
  });

  it("has expressions with declared variables, by the chosen data source", () => {
    const declared = [...dashboard.templating.list.map(({ name }) => name), "__rate_interval"];
    const used = dashboardQueries.flatMap(({ expression }) => expression.match(/(?<=\$)\w+/g) ?? []);
    expect([...new Set(used)].filter((name) => !declared.includes(name))).toEqual([]);
    const sources = panels.filter(({ type }) => type !== "row").map(({ datasource }) => datasource?.uid);
    expect([...new Set(sources)]).toEqual(["$datasource"]);
    for (const { targets } of panels) expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
  });

  it("has thresholds that ascend from a color without a value", () => {
    for (const { title, fieldConfig } of panels) {
      const [first, ...others] = (fieldConfig?.defaults.thresholds.steps ?? []).map(({ value }) => value);
      expect(first ?? null, title).toBeNull();
      expect(others, title).toEqual(others.toSorted((a, b) => Number(a) - Number(b)));
    }
  });

  it("has no panels that overlap, or lie outside of Grafana's 24 columns", () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.filter(({ gridPos: { x, w } }) => x < 0 || x + w > 24)).toEqual([]);
  });

  it("has the panels and the rows that docs/operations.md names", () => {
    const text = operations.replaceAll(/\s+/g, " ");
    const named = (kind: string) =>
      [...text.matchAll(new RegExp(`\\b${kind} "([^"]+)"`, "g"))].map(([, title]) => title);
    expect(named("panel").length * named("row").length).toBeGreaterThan(0);
    expect(named("panel").filter((title = "") => !graphs.includes(title))).toEqual([]);
    expect(named("row").filter((title = "") => !rows.includes(title))).toEqual([]);
    const [, chapter = ""] = /^## Dashboard$(.*?)^## /ms.exec(operations) ?? [];
    expect([...chapter.matchAll(/^\| ([\w ]+) \|/gm)].map(([, title]) => title)).toEqual(["file", "row", ...rows]);
  });
});
