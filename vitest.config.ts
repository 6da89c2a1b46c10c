import "./src/node-version.js";
import { defineConfig } from "vitest/config";

const integration = {
  globalSetup: ["test/support/global-setup.ts"],
  testTimeout: 30_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    // Three on two cores: tests wait for processes and databases a third of the time.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "packages/*/src/**/*.test.ts", "bench/**/*.test.ts", "scripts/*.test.ts"],
        },
      },
      { test: { name: "integration", include: ["test/*.test.ts", "packages/*/test/*.test.ts"], ...integration } },
      { test: { name: "load", include: ["test/load/*.test.ts"], ...integration, sequence: { groupOrder: 1 } } },
      { test: { name: "faults", include: ["test/faults/*.test.ts"], ...integration } },
      {
        test: {
          name: "clients",
          include: ["test/clients/*.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "fuzz",
          include: ["test/fuzz/*.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "scale",
          include: ["test/scale/*.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
