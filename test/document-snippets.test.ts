/** How the documents' snippets are found and read, and that no snippet is left unproved. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { flagsOf, simpleCommandsOf } from "./docs/support/commands.ts";
import { sameShape } from "./docs/support/shape.ts";
import { commandsIn } from "./docs/support/shell.ts";
import { allBlocks, blocksOf, isKind, nameOf, proofs } from "./docs/support/snippets.ts";
import { projectRoot } from "./support/project-root.ts";

describe("every snippet", () => {
  test("has one of the kinds that say how it is proved", () => {
    const others = allBlocks.filter(({ info }) => !isKind(info));
    expect(others.map((block) => `${nameOf(block)}: \`\`\`${block.info}`)).toEqual([]);
  });

  test("is of a kind that has a snippet, and a test that reads it", () => {
    const kinds = Object.entries(proofs).map(([kind, { test }]) => {
      const path = join(projectRoot, test);
      const isRead = existsSync(path) && readFileSync(path, "utf8").includes(`"${kind}"`);
      return { kind, isRead, isUsed: allBlocks.some(({ info }) => info === kind) };
    });
    expect(kinds.filter(({ isRead, isUsed }) => !isRead || !isUsed)).toEqual([]);
  });

  test("that is refused is followed by the answer", () => {
    const next = allBlocks.flatMap(({ info }, index) => (info === "bash refused" ? [allBlocks[index + 1]?.info] : []));
    expect(new Set(next)).toEqual(new Set(["json prints"]));
  });

  test("is counted", () => {
    const counts = Object.entries(proofs).map(([kind, { executes, test, how }]) => {
      const count = allBlocks.filter(({ info }) => info === kind).length;
      return { count, executes, line: `${String(count).padStart(4)}  ${kind.padEnd(18)} ${test}: ${how}` };
    });
    const sum = (isExecuted: boolean) =>
      counts.reduce((total, { count, executes }) => total + (executes === isExecuted ? count : 0), 0);
    const total = `${allBlocks.length} snippets: ${sum(true)} executed, ${sum(false)} only parsed`;
    process.stdout.write(`${counts.map(({ line }) => line).join("\n")}\n${total}\n`);
    expect(sum(true) + sum(false)).toBe(allBlocks.length);
  });
});

describe("the blocks of a text", () => {
  const read = (...lines: string[]) =>
    blocksOf("page.md", lines.join("\n")).map(({ line, info, text }) => [line, info, text]);

  test("have their line, their words and their text", () => {
    expect(read("a", "```bash calls", "one", "two", "```", "b", "~~~", "three", "~~~")).toEqual([
      [2, "bash calls", "one\ntwo"],
      [7, "", "three"],
    ]);
  });

  test("end with a fence as long as theirs, without words", () => {
    expect(read("````md", "```bash", "one", "```", "````")).toEqual([[1, "md", "```bash\none\n```"]]);
    expect(read("```", "```bash", "```")).toEqual([[1, "", "```bash"]]);
  });

  test("lose the indentation of their fence, as in a list", () => {
    expect(read("1. a", "   ```json", "   {", '     "b": 1', "   }", "   ```")).toEqual([
      [2, "json", '{\n  "b": 1\n}'],
    ]);
  });

  test("without an end are an error", () => {
    expect(() => read("a", "```bash calls", "one")).toThrow("page.md:2");
  });
});

describe("the commands of a snippet", () => {
  test("are as many lines as bash takes for complete", () => {
    const loop = "for n in 1 2; do\n  echo $n\ndone";
    expect(commandsIn(`one \\\n  two\n${loop}\nthree`)).toEqual(["one \\\n  two", loop, "three"]);
    expect(() => commandsIn('echo "one')).toThrow("bash does not parse");
  });

  test("have words without quotes, comments and what only connects them", () => {
    const text = "A=1 docker run -e \"B=$(date)\" x --c=d \\\n  | grep 'y z'   # up\nuntil curl -s x; do sleep 1; done";
    expect(simpleCommandsOf(text)).toEqual([
      { variables: ["A"], words: ["docker", "run", "-e", "B=SUBSTITUTED", "x", "--c=d"] },
      { variables: [], words: ["grep", "y z"] },
      { variables: [], words: ["curl", "-s", "x"] },
      { variables: [], words: ["sleep", "1"] },
    ]);
    expect(flagsOf(["run", "-e", "B=1", "--c=d", "-", "--"])).toEqual(["-e", "--c"]);
  });
});

test("two outputs have the same shape if they differ in digits, instants and UUIDs only", () => {
  const output = { id: "12", at: "2026-11-30T18:00:00.5Z", key: "6dc8a2b8-3e0f-4d2a-9a53-1f6a4f2b6b60", price: 1.5 };
  const other = { id: "9", at: "2027-01-01T00:00:00Z", key: "00000000-0000-4000-8000-abcdefabcdef", price: 20 };
  expect(sameShape(output)).toEqual(sameShape(other));
  expect(sameShape(output)).not.toEqual(sameShape({ ...output, id: "x" }));
  expect(sameShape(output)).not.toEqual(sameShape({ ...output, more: "" }));
});
