/** Grafana's dashboard, as Grafana reads it. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { dashboardFile } from "./dashboard.ts";

const gridPos = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() });
const step = z.object({ color: z.string(), value: z.number().nullable() });
const schema = z.object({
  panels: z.array(
    z.object({
      id: z.number(),
      title: z.string(),
      description: z.string().default(""),
      type: z.string(),
      gridPos,
      datasource: z.object({ uid: z.string() }).optional(),
      targets: z.array(z.object({ refId: z.string(), expr: z.string(), legendFormat: z.string() })).default([]),
      fieldConfig: z.object({ defaults: z.object({ thresholds: z.object({ steps: z.array(step) }) }) }).optional(),
    }),
  ),
  templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string().optional() })) }),
  annotations: z.object({ list: z.array(z.object({ name: z.string(), expr: z.string() })) }),
});

export const dashboard = schema.parse(JSON.parse(readFileSync(dashboardFile, "utf8")));

interface DashboardQuery {
  readonly name: string;
  readonly expression: string;
  readonly legend?: string;
}

/** Every expression of the dashboard with the name of its place. The first argument of label_values() is one as well. */
export const dashboardQueries: readonly DashboardQuery[] = [
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({ name: title, expression: expr, legend: legendFormat })),
  ),
  ...dashboard.annotations.list.map(({ name, expr }) => ({ name, expression: expr })),
  ...dashboard.templating.list.flatMap(({ name, definition = "" }) =>
    definition === "" ? [] : [{ name, expression: definition.replace(/^label_values\((.*), \w+\)$/, "$1") }],
  ),
];
