/** The load generator: a process of its own, so that it waits for nothing but answers. */
import { generateLoad } from "./load/generate.ts";
import type { LoadSpec } from "./load/spec.ts";
import { serveQuestions } from "./questions.ts";

serveQuestions<LoadSpec>(generateLoad);
