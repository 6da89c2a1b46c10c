import { describe, expect, test } from "vitest";
import type { LogOptions } from "./log.ts";
import { createLogger } from "./log.ts";
import { prettyLine } from "./log-line.ts";

function capture(options: Partial<LogOptions>) {
  const lines: string[] = [];
  const logger = createLogger({ level: "info", destination: { write: (line) => lines.push(line) }, ...options });
  return { logger, lines };
}

describe("JSON", () => {
  test("is one object a line, with the level's name and the instant in UTC", () => {
    const { logger, lines } = capture({});
    logger.info({ concertId: 7n, at: Temporal.Instant.from("2026-01-01T00:00:00Z") }, "booked\ntwice");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      concertId: 7,
      at: "2026-01-01T00:00:00Z",
      msg: "booked\ntwice",
    });
  });

  test("an error has its stack and its cause", () => {
    const { logger, lines } = capture({});
    logger.error(new Error("no answer", { cause: new Error("connection lost") }));
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "error",
      err: {
        type: "Error",
        stack: expect.stringMatching(/^Error: no answer\n +at .*caused by: Error: connection lost/s),
      },
    });
  });

  test("what is below the level is not written", () => {
    const { logger, lines } = capture({ level: "warn" });
    logger.info("quiet");
    logger.warn("loud");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["loud"]);
    const silent = capture({ level: "silent" });
    silent.logger.fatal("nothing");
    expect(silent.lines).toEqual([]);
  });
});

describe("pretty", () => {
  test("goes through the logger, children included", () => {
    const { logger, lines } = capture({ pretty: true });
    logger.child({ call: 1 }).warn({ user: "ann" }, "slow");
    expect(lines).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d WARN {2}slow call=1 user=ann\n$/)]);
  });

  const base = { level: "info", time: "2026-01-02T15:55:33.999Z" };
  test.each([
    ["a message with values", { msg: "listening", port: 8080, host: "::" }, "INFO  listening port=8080 host=::"],
    ["no message", { port: 8080 }, "INFO  port=8080"],
    ["a longer level", { level: "error", msg: "a" }, "ERROR a"],
    [
      "values that need quotes",
      { msg: "a", b: "c d", e: "", f: 'g"h', i: "j=k" },
      'INFO  a b="c d" e="" f="g\\"h" i="j=k"',
    ],
    ["values with parts", { msg: "a", b: { c: [1, null] }, d: null }, 'INFO  a b={"c":[1,null]} d=null'],
    ["control characters", { msg: "a\u001b[2J\nb", c: "\u009b\u007f" }, 'INFO  a\\u001b[2J\\nb c="\\u009b\\u007f"'],
  ])("%s", (_, record, line) => {
    expect(prettyLine(JSON.stringify({ ...base, ...record }), "UTC")).toBe(`15:55:33 ${line}\n`);
  });

  test("a line that cannot be read is passed on, since logging must not throw", () => {
    const line = JSON.stringify({ ...base, time: "soon" });
    expect(prettyLine(line)).toBe(line);
    expect(prettyLine("no JSON\n")).toBe("no JSON\n");
  });

  test("shows the clock of the reader", () => {
    expect(prettyLine(JSON.stringify({ ...base, msg: "a" }), "Asia/Tokyo")).toBe("00:55:33 INFO  a\n");
  });

  test.each([
    [
      { type: "Error", message: "a", stack: "Error: a\n    at b", code: "E1" },
      ["Error: a", "    at b", '{"code":"E1"}'],
    ],
    [{ type: "Error", message: "a\u001b" }, ["a\\u001b"]],
    ["just text", ['"just text"']],
  ])("an error follows its line: %j", (err, below) => {
    const text = prettyLine(JSON.stringify({ ...base, err, msg: "failed" }), "UTC");
    expect(text).toBe(`15:55:33 INFO  failed\n${below.map((line) => `    ${line}\n`).join("")}`);
  });
});
