/** Runs before each test file that starts processes. */
import { afterAll } from "vitest";
import { endChildren } from "./process/child-process.ts";

// A test that has failed may leave its processes running. They end with its file.
afterAll(endChildren);
