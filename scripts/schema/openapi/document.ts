/** The OpenAPI document (3.1) of the services: REST, and Connect with JSON. */
import { isDeepStrictEqual } from "node:util";
import type { DescEnum, DescMessage, DescService, JsonObject } from "@bufbuild/protobuf";
import { ErrorReasonSchema } from "../../../gen/frontrow/v1/error_reason_pb.ts";
import { type ReasonName, reasonNames } from "../../../src/rpc/reasons.ts";
import { commentOf } from "../comments.ts";
import type { ExamplesOf } from "../examples.ts";
import { createSchemaWriter, type SchemaForm, type SchemaWriter } from "../json-schema.ts";
import { meaningOf } from "../reasons.ts";
import { connectOperations, connectTag } from "./connect.ts";
import { connectDetailSchemas } from "./connect-errors.ts";
import {
  commonRequestHeaders,
  headerComponents,
  parameterComponents,
  parameterRefs,
  type RequestHeaderName,
} from "./headers.ts";
import { introduction } from "./introduction.ts";
import { bearer, type Operation } from "./operation.ts";
import { otherProblemName, otherProblemSchema, problemName, problemSchema } from "./problems.ts";
import { refusalResponse } from "./responses.ts";
import { restOperations } from "./rest.ts";
import { shareResponses } from "./shared-responses.ts";

export interface DocumentedSchema {
  readonly services: readonly DescService[];
  /** The enum of the error reasons, with its comments. */
  readonly reasons: DescEnum;
  readonly examplesOf: ExamplesOf;
}

/** Creates the document. */
export function createDocument({ services, reasons, examplesOf }: DocumentedSchema): JsonObject {
  const rest = createWriters({ names: "proto", unknownKeys: "refuse", examplesOf });
  const connect = createWriters({ names: "json", unknownKeys: "allow", examplesOf });
  const ofRest = shareResponses(
    services.flatMap((service) => restOperations(service, rest)),
    "Rest",
  );
  const ofConnect = shareResponses(
    services.flatMap((service) => connectOperations(service, connect)),
    "Connect",
  );
  const writers = [rest.input, rest.output, connect.input, connect.output];
  return {
    openapi: "3.1.1",
    info: {
      title: "Frontrow",
      version: versionOf(services),
      description: introduction,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The service that serves this document." }],
    tags: [
      // The rest of the comment is about errors as gRPC has them. The introduction has them as here.
      ...services.map((service) => ({ name: service.name, description: commentOf(service).split("\n\n", 1).join() })),
      ...services.map((service) => ({
        name: connectTag(service),
        description: `The methods of ${service.name} by the Connect protocol with JSON.`,
      })),
    ],
    paths: {
      ...pathsOf(ofRest.operations, commonRequestHeaders.rest),
      ...pathsOf(ofConnect.operations, commonRequestHeaders.connect),
    },
    components: {
      securitySchemes: {
        [bearer]: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "A token of the operator's identity provider, with the scopes in its claim `scope`.",
        },
      },
      parameters: parameterComponents,
      headers: headerComponents,
      responses: { Refusal: refusalResponse, ...ofRest.responses, ...ofConnect.responses },
      schemas: sorted(
        joined([
          ...definitionsOf(writers),
          ...Object.entries({ ...connectDetailSchemas, [otherProblemName]: otherProblemSchema }),
          ...problemSchemas(reasons),
        ]),
      ),
    },
  };
}

const componentPrefix = "#/components/schemas/";

/** The writers of a protocol. The messages of Connect have other names of fields, so their schemas have other names. */
function createWriters(form: Pick<SchemaForm, "names" | "unknownKeys" | "examplesOf">) {
  const prefix = form.names === "json" ? "Connect" : "";
  const refTo = (desc: DescMessage | DescEnum) =>
    `${componentPrefix}${desc.kind === "message" ? prefix : ""}${desc.name}`;
  return {
    input: createSchemaWriter({ ...form, refTo, direction: "input" }),
    output: createSchemaWriter({ ...form, refTo, direction: "output" }),
  };
}

/** The version of the API: the last part of the package's name. */
function versionOf(services: readonly DescService[]): string {
  const versions = new Set(services.map(({ file }) => file.proto.package.split(".").at(-1) ?? ""));
  const [version = "", ...others] = versions;
  if (others.length > 0) throw new Error("services of several packages need several documents");
  return version;
}

function pathsOf(operations: readonly Operation[], headers: readonly RequestHeaderName[]): JsonObject {
  const byPath = Map.groupBy(operations, ({ path }) => path);
  return Object.fromEntries(
    [...byPath].map(([path, ofPath]): [string, JsonObject] => [
      path,
      {
        parameters: parameterRefs(headers),
        ...Object.fromEntries(ofPath.map(({ httpMethod, operation }) => [httpMethod, operation])),
      },
    ]),
  );
}

type Definition = readonly [name: string, schema: JsonObject];

function definitionsOf(writers: readonly SchemaWriter[]): Definition[] {
  const all = writers.flatMap((writer) => [...writer.definitions()]);
  return all.map(([ref, schema]) => [ref.slice(componentPrefix.length), schema]);
}

/** All definitions by name. One that is used by several writers must be the same for all of them. */
export function joined(definitions: readonly Definition[]): JsonObject {
  const all = new Map<string, JsonObject>();
  for (const [name, schema] of definitions) {
    if (!isDeepStrictEqual(all.get(name) ?? schema, schema)) throw new Error(`two schemas have the name ${name}`);
    all.set(name, schema);
  }
  return Object.fromEntries(all);
}

/** The schemas of all problem documents: of the reasons that some operation can have. */
function problemSchemas(reasons: DescEnum): Definition[] {
  return reasonNames
    .filter((reason) => !unusedReasons.has(reason))
    .map((reason): Definition => {
      const value = reasons.values.find(({ number }) => number === numberOf(reason));
      const meaning = meaningOf(reason, value === undefined ? "" : commentOf(value));
      return [problemName(reason), problemSchema(reason, `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.`)];
    });
}

/** The reasons of streams, which the document does not have. */
const unusedReasons: ReadonlySet<ReasonName> = new Set(["STREAM_EXPIRED", "HTTP_VERSION_NOT_SUPPORTED"]);

function numberOf(reason: ReasonName): number | undefined {
  return ErrorReasonSchema.values.find(({ localName }) => localName === reason)?.number;
}

function sorted(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
