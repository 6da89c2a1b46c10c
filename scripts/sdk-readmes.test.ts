/** The blocks of the SDKs' READMEs that `npm run test:sdks` does not compile. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { snippetsOf } from "../test/docs/support/snippets.ts";
import { projectRoot } from "../test/support/project-root.ts";
import { resultLine } from "./sdks/results.ts";

const read = (path: string) => readFileSync(join(projectRoot, path), "utf8");
const nameIn = (path: string, pattern: RegExp) => pattern.exec(read(path))?.[1];

test("the READMEs install the packages by their names", () => {
  const blocks = snippetsOf("bash sdk install").map(({ document, text }) => [document, text]);
  expect(Object.fromEntries(blocks)).toEqual({
    "sdk/typescript/README.md": `npm install ${nameIn("sdk/typescript/package.json", /"name": "(.*)"/)}`,
    "sdk/python/README.md": `pip install ${nameIn("sdk/python/pyproject.toml", /^name = "(.*)"/m)}`,
    "sdk/go/README.md": `go get ${nameIn("sdk/go/go.mod", /^module (.*)/m)}`,
  });
});

test("the dependency is the project that Maven builds", () => {
  const fields = ["groupId", "artifactId", "version"];
  const inText = (text: string) => fields.map((field) => new RegExp(`<${field}>.*</${field}>`).exec(text)?.[0]);
  const texts = snippetsOf("xml sdk dependency").map(({ text }) => inText(text));
  expect(texts).toEqual([inText(read("sdk/java/pom.xml"))]);
});

test("the example of a result is one", () => {
  const [snippet] = snippetsOf("json sdk result");
  expect(resultLine.parse(JSON.parse(snippet?.text ?? ""))).toMatchObject({ scenario: "book" });
});
