/** The schemas of the tools are true: what fits them is accepted, what breaks a rule does not fit, and results fit. */
import { randomUUID } from "node:crypto";
import { getOption, hasOption } from "@bufbuild/protobuf";
import type { JsonSchemaType, Tool } from "@modelcontextprotocol/client";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tool } from "../gen/frontrow/v1/tool_pb.ts";
import { nameOf, rightJson, scenarios } from "./methods/index.ts";
import { connectMcp, errorIn, type McpClient } from "./support/protocols/mcp.ts";
import type { JsonObject } from "./support/scenario/scenario.ts";
import { createStage, type Stage } from "./support/service/stage.ts";
import { type Subject, startSubject } from "./support/service/subject.ts";

let subject: Subject;
let stage: Stage;
let mcp: McpClient;
let tools: ReadonlyMap<string, Tool>;
beforeAll(async () => {
  subject = await startSubject({ APP_MAX_TICKETS_PER_BOOKING: "100" });
  stage = createStage(subject.baseUrl);
  mcp = await connectMcp(subject.baseUrl);
  tools = new Map((await mcp.client.listTools()).tools.map((each) => [each.name, each]));
});
afterAll(async () => {
  await mcp?.[Symbol.asyncDispose]();
  await subject?.close();
});

const validator = new AjvJsonSchemaValidator();
/** Whether a value fits a schema, and why not. */
function faultOf(schema: object | undefined, value: unknown): string | undefined {
  return validator.getValidator(schema as JsonSchemaType)(value).errorMessage;
}
const toolOf = (name: string) => tools.get(name) ?? expect.unreachable(`there is no tool ${name}`);
/** As an assistant sends it: without what is left out. */
const sent = (request: JsonObject) => JSON.parse(JSON.stringify(request));

const offered = scenarios
  .filter(({ method }) => hasOption(method, tool))
  .map((scenario) => ({
    scenario,
    name: getOption(scenario.method, tool).name,
    hasKey: "requestId" in scenario.method.input.field,
  }));

test("every tool is a method that has scenarios", () => {
  expect([...tools.keys()].sort()).toEqual(offered.map(({ name }) => name).sort());
});

describe.each(offered)("$name", ({ name, scenario, hasKey }) => {
  const { rules, accepts = [] } = scenario;
  const key = () => (hasKey ? { request_id: randomUUID() } : {});
  /** A request that succeeds. */
  async function rightRequest() {
    const [booking, hold] = [await stage.booking(await stage.concert()), await stage.hold(await stage.concert())];
    return { ...rightJson(scenario, { concert: await stage.concert(), booking, hold }), ...key() };
  }
  const broken = rules.map((each) => ({ ...each, values: JSON.stringify(each.changes).slice(0, 60) }));

  const accepted: (readonly [what: string, changes: JsonObject])[] = [["a right request", {}]];
  // A tool requires the key that the method can do without.
  for (const [what, changes] of accepts) if (changes.request_id !== "") accepted.push([what, changes]);

  test.each(accepted)("takes %s, and the result fits", async (_, changes) => {
    const request = sent({ ...(await rightRequest()), ...changes });
    expect(faultOf(toolOf(name).inputSchema, request)).toBeUndefined();
    const { isError, structuredContent } = await mcp.call(name, request);
    expect(isError).toBeUndefined();
    expect(faultOf(toolOf(name).outputSchema, structuredContent)).toBeUndefined();
    expect(faultOf(toolOf(name).outputSchema, { ...(structuredContent as object), ...falseContent })).toBeDefined();
  });

  test.each(broken)("$values breaks $rule, and does not fit", async ({ changes, violations, rule }) => {
    const request = sent({ ...subject.requests[nameOf(scenario.method)], ...key(), ...changes });
    expect(errorIn(await mcp.call(name, request))).toMatchObject({ reason: "INVALID_REQUEST", violations });
    // No keyword compares two fields: the description has the rule in words.
    if (rule === "cel date_range")
      expect(toolOf(name).inputSchema.description).toContain("date_to must be after date_from");
    else expect(faultOf(toolOf(name).inputSchema, request)).toBeDefined();
  });

  test("an argument that it does not have, and one that is missing, do not fit", async () => {
    const request = sent(await rightRequest());
    const { inputSchema } = toolOf(name);
    expect(faultOf(inputSchema, { ...request, evil: 1 })).toBeDefined();
    for (const required of inputSchema.required ?? []) {
      const { [required]: _, ...others } = request;
      expect(faultOf(inputSchema, others)).toBeDefined();
      const { reason, violations } = errorIn(await mcp.call(name, others));
      expect({ reason, fields: violations.map(({ field }) => field) }).toEqual({
        reason: "INVALID_REQUEST",
        fields: [required],
      });
    }
  });
});

/** Fields of the results, with values of other types. */
const falseContent = { id: 1, concerts: 1, bookings: 1 };
