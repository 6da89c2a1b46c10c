/**
 * Buf runs this plugin: it writes the OpenAPI document of the schema to gen/openapi, a collection of its requests to gen/postman,
 * and the tools of the schema to gen/mcp.
 */
import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";
import { stringify } from "yaml";
import { ErrorReasonSchema } from "../../gen/frontrow/v1/error_reason_pb.ts";
import { createExamples } from "./examples.ts";
import { createDocument } from "./openapi/document.ts";
import { createCollection } from "./postman/collection.ts";
import { createTools } from "./tools.ts";

const plugin = createEcmaScriptPlugin({
  name: "frontrow-documents",
  version: "v1",
  generateTs(schema) {
    const services = schema.files.flatMap((file) => file.services);
    const reasons = schema.files
      .flatMap((file) => file.enums)
      .find(({ typeName }) => typeName === ErrorReasonSchema.typeName);
    if (reasons === undefined) throw new Error(`the schema has no ${ErrorReasonSchema.typeName}`);
    const examplesOf = createExamples(schema.files.flatMap((file) => file.messages));
    const document = createDocument({ services, reasons, examplesOf });
    const json = JSON.stringify(document, null, 2);
    schema.generateFile("openapi/openapi.json").print(json);
    schema
      .generateFile("openapi/openapi.yaml")
      .print(stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 }).trimEnd());
    const collection = createCollection(JSON.parse(json));
    schema.generateFile("postman/frontrow.postman_collection.json").print(JSON.stringify(collection, null, 2));
    const tools = createTools(services, examplesOf);
    schema.generateFile("mcp/tools.json").print(JSON.stringify({ tools }, null, 2));
  },
});

runNodeJs(plugin);
