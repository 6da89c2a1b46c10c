import { describe, expect, test } from "vitest";
import { captureVariables, commonPrefix, parsePathTemplate } from "./path-template.ts";

const capture = (template: string, path: string) =>
  captureVariables(parsePathTemplate(template), path.slice(1).split("/"));

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

describe("captureVariables", () => {
  test.each([
    ["/v1/{id}", "/v1/5", ["5"]],
    ["/v1/{id}", "/v1/a%2Fb%20%C3%A9%3A", ["a/b é:"]],
    ["/v1/{id}", "/v1/a+b", ["a+b"]],
    ["/v1/{a}/x/{b}", "/v1/1/x/2", ["1", "2"]],
    ["/v1/{name=shelves/*}", "/v1/shelves/a%2Fb%2f%20c", ["shelves/a%2Fb%2f c"]],
    ["/v1/{name=shelves/*/books/*}/pages", "/v1/shelves/1/books/2/pages", ["shelves/1/books/2"]],
    ["/v1/{path=**}", "/v1/a/b%20c//d", ["a/b c//d"]],
    ["/v1/{path=**}", "/v1", [""]],
    ["/v1/{path=files/**}", "/v1/files", ["files"]],
    ["/v1/{literal=home}", "/v1/home", ["home"]],
  ])("%s takes from %s", (template, path, values) => {
    expect(capture(template, path)).toEqual(values);
  });

  test("a variable of several segments decodes twice-encoded slashes once", () => {
    expect(capture("/{path=**}", "/a%252Fb")).toEqual(["a%2Fb"]);
  });

  test.each(["/v1/%zz", "/v1/%ff", "/v1/%"])("throws for %s", (path) => {
    expect(() => capture("/v1/{id}", path)).toThrow(URIError);
    expect(() => capture("/v1/{id=**}", path)).toThrow(URIError);
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
