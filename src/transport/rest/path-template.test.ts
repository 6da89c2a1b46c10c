import { describe, expect, test } from "vitest";
import { commonPrefix, parsePathTemplate } from "./path-template.ts";

describe("parsePathTemplate", () => {
  test("reads literals, wildcards, variables and the verb", () => {
    expect(parsePathTemplate("/v1/{shelf.name=shelves/*}/*/{rest=**}:move")).toEqual({
      source: "/v1/{shelf.name=shelves/*}/*/{rest=**}:move",
      segments: [
        { kind: "literal", text: "v1" },
        { kind: "literal", text: "shelves" },
        { kind: "one" },
        { kind: "one" },
        { kind: "rest" },
      ],
      variables: [
        { fieldPath: ["shelf", "name"], start: 1, end: 3, multiSegment: true },
        { fieldPath: ["rest"], start: 4, end: undefined, multiSegment: true },
      ],
      verb: "move",
    });
  });

  test.each(["{id}", "{id=*}"])("takes %s for one segment", (variable) => {
    expect(parsePathTemplate(`/v1/${variable}`).variables).toEqual([
      { fieldPath: ["id"], start: 1, end: 2, multiSegment: false },
    ]);
  });

  test("decodes literals, so that they match however the path is encoded", () => {
    expect(parsePathTemplate("/caf%C3%A9:%61dd")).toMatchObject({
      segments: [{ kind: "literal", text: "café" }],
      verb: "add",
    });
  });

  test.each([
    ["v1/concerts", "must start with a slash"],
    ["/", '"" is not a segment'],
    ["/v1//x", '"" is not a segment'],
    ["/v1/", '"" is not a segment'],
    ["/v1/a*", '"a*" is not a segment'],
    ["/v1/a b", '"a b" is not a segment'],
    ["/v1/%zz", '"%zz" is not a segment'],
    ["/v1/%ff", '"%ff" is not percent-encoded UTF-8'],
    ["/v1/**/x", "** must be the last segment"],
    ["/v1/{a=**}/x", "** must be the last segment"],
    ["/v1/{a=**/x}", "** must be the last segment"],
    ["/v1/{a", '"{a" is not a variable'],
    ["/v1/x{a}", '"x{a}" is not a segment'],
    ["/v1/{a}x", '"{a}x" is not a variable'],
    ["/v1/{}", '"{}" is not a variable'],
    ["/v1/{1a}", '"{1a}" is not a variable'],
    ["/v1/{a..b}", '"{a..b}" is not a variable'],
    ["/v1/{a=}", '"{a=}" is not a variable'],
    ["/v1/{a={b}}", "is not a"],
    ["/v1/{a}/{a}", "has two {a}"],
    ["/v1/x:a b", '"a b" is not a verb'],
  ])("refuses %s", (template, why) => {
    expect(() => parsePathTemplate(template)).toThrow(`path template "${template}": `);
    expect(() => parsePathTemplate(template)).toThrow(why);
  });
});

describe("commonPrefix", () => {
  test.each([
    [["/api/v1/concerts", "/api/v1/bookings/{id}:cancel"], "/api"],
    [["/api/v1/concerts", "/api/v2/concerts"], "/api"],
    [["/v1/{name=shelves/*}", "/v1/{text=**}"], "/v1"],
    [["/v1/concerts", "/v2/concerts"], ""],
    [["/v1/concerts", "/{name=v1/concerts}"], ""],
    [["/v1/concerts", "/v1"], ""],
    [["/v1/concerts", "/v1:stat"], ""],
    [["/caf%C3%A9/a"], ""],
    [[], ""],
  ])("of %j is %j", (sources, prefix) => {
    expect(commonPrefix(sources.map(parsePathTemplate))).toBe(prefix);
  });
});
