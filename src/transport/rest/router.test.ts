import { describe, expect, test } from "vitest";
import { parsePathTemplate } from "./path-template.ts";
import { captureVariables, createRouter } from "./router.ts";

/** A router of routes written as "GET /v1/{id}". */
function routerOf(...routes: string[]) {
  return createRouter(
    routes.map((value) => {
      const [httpMethod = "", path = ""] = value.split(" ");
      return { httpMethod, template: parsePathTemplate(path), value };
    }),
  );
}

function find(router: ReturnType<typeof routerOf>, request: string) {
  const [method = "", path = ""] = request.split(" ");
  const match = router.find(method, path);
  if (match.kind === "found") return match.route.value;
  return match.kind === "wrong_method" ? match.allowedMethods.join() : undefined;
}

describe("the more specific route wins, whatever the order", () => {
  const routes = [
    "GET /v1/{path=**}",
    "GET /v1/{name=shelves/*}",
    "GET /v1/shelves/mine",
    "GET /v1/{kind}/{id}/books",
    "POST /v1/shelves/{id}",
    "POST /v1/{name=shelves/*}:move",
    "GET /v1/shelves/mine:stat",
  ];
  test.each([
    ["GET /v1/shelves/mine", "GET /v1/shelves/mine"],
    ["GET /v1/shelves/5", "GET /v1/{name=shelves/*}"],
    ["POST /v1/shelves/5", "POST /v1/shelves/{id}"],
    ["POST /v1/shelves/mine", "POST /v1/shelves/{id}"],
    ["GET /v1/shelves/5/books", "GET /v1/{kind}/{id}/books"],
    ["GET /v1/shelves/5/pages", "GET /v1/{path=**}"],
    ["GET /v1/shelves/", "GET /v1/{path=**}"],
    ["GET /v1", "GET /v1/{path=**}"],
    ["POST /v1/shelves/5:move", "POST /v1/{name=shelves/*}:move"],
    ["POST /v1/shelves/5%3Amove", "POST /v1/shelves/{id}"],
    ["POST /v1/shelves/5:other", "POST /v1/shelves/{id}"],
    ["POST /v1/shelves/mine:move", "POST /v1/{name=shelves/*}:move"],
    ["GET /v1/shelves/mine:stat", "GET /v1/shelves/mine:stat"],
    ["GET /v1/%73helves/mine", "GET /v1/shelves/mine"],
    ["GET /v2", undefined],
    ["GET /", undefined],
  ])("%s", (request, expected) => {
    expect(find(routerOf(...routes), request)).toBe(expected);
    expect(find(routerOf(...routes.toReversed()), request)).toBe(expected);
  });
});

describe("methods", () => {
  const router = routerOf("GET /a", "PUT /a", "* /any", "GET /any", "POST /b/{id}", "HEAD /h", "GET /h", "GET /c:verb");
  test.each([
    ["HEAD /a", "GET /a"],
    ["HEAD /h", "HEAD /h"],
    ["POST /a", "GET,HEAD,PUT"],
    ["GET /b/1", "POST"],
    ["GET /any", "GET /any"],
    ["DELETE /any", "* /any"],
    ["POST /c:verb", "GET,HEAD"],
    ["GET /c", undefined],
    ["GET /a:", undefined],
  ])("%s", (request, expected) => {
    expect(find(router, request)).toBe(expected);
  });
});

test("a wildcard takes no empty segment, ** takes any number", () => {
  const router = routerOf("GET /v1/{id}", "GET /files/**");
  expect(find(router, "GET /v1/")).toBeUndefined();
  expect(find(router, "GET /v1//")).toBeUndefined();
  expect(find(router, "GET /files")).toBe("GET /files/**");
  expect(find(router, "GET /files/a//b/")).toBe("GET /files/**");
});

test.each([
  ["GET /v1/{a}", "GET /v1/{b}"],
  ["GET /v1/{name=shelves/*}", "GET /v1/shelves/*"],
  ["GET /v1/a:b", "GET /v1/%61:b"],
  ["GET /v1/**", "GET /v1/{x=**}"],
])("%s and %s cannot both be", (one, other) => {
  expect(() => routerOf(one, other)).toThrow("cannot be told from");
});

test("broken percent-encoding throws a URIError", () => {
  expect(() => routerOf("GET /a").find("GET", "/%zz")).toThrow(URIError);
  expect(() => routerOf("GET /a:b").find("GET", "/a:%zz")).toThrow(URIError);
});

const capture = (template: string, path: string) =>
  captureVariables(parsePathTemplate(template), path.slice(1).split("/"));

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
