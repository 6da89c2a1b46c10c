/** Renders the panels as a dashboard of Grafana. */
import { join } from "node:path";
import type { Panel, Row } from "./panel.ts";
import { atAGlance, latency, onSale } from "./sale-panels.ts";
import { database, engine, errors, limits, processes } from "./system-panels.ts";

const rows: readonly Row[] = [atAGlance, onSale, latency, engine, database, errors, limits, processes];

export const dashboardFile = join(
  ...[import.meta.dirname, "..", "..", "deploy", "grafana", "dashboards", "frontrow.json"],
);

/** Grafana's grid has 24 columns; a unit of height is about 30 pixels. */
const columns = 24;
const stat = { w: 3, h: 4 };
const graph = { w: 8, h: 8 };
/** The version of Grafana 12's JSON. Older ones are migrated, newer ones read it as well. */
const schemaVersion = 41;

const datasource = { type: "prometheus", uid: "$datasource" };

/**
 * The dashboard as JSON. The id of a panel is its place in its row, so a new panel at the end of a row leaves the links to
 * other panels valid.
 */
export function renderDashboard() {
  return {
    uid: "frontrow",
    title: "Frontrow",
    description: "Concert ticket reservation: how a sale goes, and why.",
    tags: ["frontrow"],
    schemaVersion,
    version: 1,
    editable: true,
    // A shared crosshair: what happens at the same time in all panels.
    graphTooltip: 1,
    time: { from: "now-30m", to: "now" },
    timezone: "browser",
    refresh: "10s",
    templating: { list: variables() },
    annotations: { list: [firingAlerts] },
    links: [],
    panels: renderRows(),
  };
}

function renderRows(): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const [index, row] of rows.entries()) {
    const rendered = renderRow(row, 100 * (index + 1), y);
    panels.push(...rendered.panels);
    y = rendered.y;
  }
  return panels;
}

/** A row from a height on, and the height at which the next one begins. */
function renderRow({ title, panels }: Row, id: number, top: number) {
  const header = { id, type: "row", title, collapsed: false, gridPos: { x: 0, y: top, w: columns, h: 1 }, panels: [] };
  let x = 0;
  let y = top + 1;
  let height = 0;
  const rendered = panels.map((panel, index) => {
    const size = panel.isStat ? stat : graph;
    if (x + size.w > columns) {
      x = 0;
      y += size.h;
    }
    const gridPos = { x, y, ...size };
    x += size.w;
    height = size.h;
    return { id: id + index + 1, gridPos, ...renderPanel(panel) };
  });
  return { panels: [header, ...rendered], y: y + height };
}

function renderPanel(panel: Panel) {
  const { title, description, queries, isStat = false } = panel;
  return {
    type: isStat ? "stat" : "timeseries",
    title,
    description,
    datasource,
    targets: queries.map(([expr, legendFormat], index) => ({
      ...{ refId: String.fromCharCode(65 + index), datasource, editorMode: "code", range: true },
      ...{ expr, legendFormat },
    })),
    ...(isStat ? renderStat(panel) : renderGraph(panel)),
  };
}

function renderStat({ unit, names = {}, limits }: Panel) {
  const options = Object.fromEntries(Object.entries(names).map(([value, text]) => [value, { text }]));
  const hasNames = Object.keys(names).length > 0;
  return {
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        noValue: "no data",
        color: { mode: "thresholds" },
        thresholds: thresholdsOf(limits),
        mappings: hasNames ? [{ type: "value", options }] : [],
      },
      overrides: [],
    },
    options: {
      reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
      ...{ colorMode: "background", graphMode: "none", textMode: "auto", justifyMode: "auto", orientation: "auto" },
      ...{ wideLayout: true, showPercentChange: false, percentChangeColorMode: "standard" },
    },
  };
}

function renderGraph({ unit, names = {}, limits, isStacked = false }: Panel) {
  return {
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        color: { mode: "palette-classic" },
        thresholds: thresholdsOf(limits),
        custom: {
          ...{
            drawStyle: "line",
            lineWidth: 1,
            fillOpacity: isStacked ? 30 : 10,
            showPoints: "never",
            spanNulls: false,
          },
          stacking: { mode: isStacked ? "normal" : "none", group: "A" },
          thresholdsStyle: { mode: limits ? "line" : "off" },
        },
      },
      overrides: Object.entries(names).map(([legend, displayName]) => ({
        matcher: { id: "byName", options: legend },
        properties: [{ id: "displayName", value: displayName }],
      })),
    },
    options: {
      legend: { showLegend: true, displayMode: "table", placement: "bottom", calcs: ["lastNotNull", "max"] },
      tooltip: { mode: "multi", sort: "desc" },
    },
  };
}

function thresholdsOf({ warning, critical, isTooFew = false }: NonNullable<Panel["limits"]> = {}) {
  const step = (color: string, value: number | undefined) => ({ color, value });
  // A color is that of the values from its step on.
  const steps = isTooFew
    ? warning === undefined
      ? [step("green", critical)]
      : [step("orange", critical), step("green", warning)]
    : [step("orange", warning), step("red", critical)];
  const least = { color: isTooFew ? "red" : "green", value: null };
  return { mode: "absolute", steps: [least, ...steps.filter(({ value }) => value !== undefined)] };
}

function variables() {
  const ofLabel = (name: string, query: string) => ({
    ...{ name, label: name, type: "query", datasource, definition: query },
    query: { query, refId: "PrometheusVariableQueryEditor-VariableQuery", qryType: 1 },
    // At each load and change of the time range: instances come and go.
    ...{ refresh: 2, sort: 1, hide: 0, regex: "", options: [] },
  });
  return [
    {
      ...{ name: "datasource", label: "data source", type: "datasource", query: "prometheus" },
      ...{ refresh: 1, hide: 0, regex: "", multi: false, includeAll: false, options: [] },
    },
    { ...ofLabel("job", "label_values(frontrow_build_info, job)"), multi: false, includeAll: false },
    {
      ...ofLabel("instance", 'label_values(frontrow_build_info{job="$job"}, instance)'),
      ...{ multi: true, includeAll: true, allValue: ".+", current: { text: ["All"], value: ["$__all"] } },
    },
  ];
}

const firingAlerts = {
  ...{ name: "Alerts", datasource, enable: true, hide: false, iconColor: "red" },
  expr: 'ALERTS{job="$job",alertname=~"Frontrow.+",alertstate="firing",severity!="info"}',
  ...{ step: "15s", titleFormat: "{{alertname}}", textFormat: "{{severity}}", tagKeys: "instance,lane,severity" },
};
