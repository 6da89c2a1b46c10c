/** Buf runs this plugin: it writes the tools of the schema to gen/mcp. */
import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";
import { createExamples } from "./examples.ts";
import { createTools } from "./tools.ts";

const plugin = createEcmaScriptPlugin({
  name: "frontrow-documents",
  version: "v1",
  generateTs(schema) {
    const services = schema.files.flatMap((file) => file.services);
    const examplesOf = createExamples(schema.files.flatMap((file) => file.messages));
    const tools = createTools(services, examplesOf);
    // Buf runs it for each input. The schemas of other projects have none.
    if (tools.length === 0) return;
    schema.generateFile("mcp/tools.json").print(JSON.stringify({ tools }, null, 2));
  },
});

runNodeJs(plugin);
