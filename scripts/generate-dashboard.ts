/** Writes Grafana's dashboard from its panels. `--verify` only compares and fails when they differ. */
import { readFileSync, writeFileSync } from "node:fs";
import { dashboardFile, renderDashboard } from "./monitoring/dashboard.ts";

const text = `${JSON.stringify(renderDashboard(), undefined, 2)}\n`;
if (!process.argv.includes("--verify")) writeFileSync(dashboardFile, text);
else if (readFileSync(dashboardFile, "utf8") !== text) {
  process.stdout.write("Grafana's dashboard is out of date: run `npm run generate` and commit it\n");
  process.exitCode = 1;
}
