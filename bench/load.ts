/** The load generator: a separate process, so that nothing but responses delays it. */
import { generateLoad } from "./load/generate.ts";
import type { LoadSpec } from "./load/spec.ts";
import { serveQuestions } from "./questions.ts";

serveQuestions<LoadSpec>(generateLoad);
