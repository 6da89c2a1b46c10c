import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import type { Logger, LogOptions } from "./log.ts";
import { createLogger } from "./log.ts";

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

  test("an error of PostgreSQL has its code and no values of a row", () => {
    const { logger, lines } = capture({});
    const detail = "Key (user_id)=(nora) already exists.";
    const where = 'SQL statement "select nora"';
    const error = Object.assign(new Error("duplicate key"), {
      code: "23505",
      constraint: "bookings_key",
      detail,
      where,
    });
    logger.error({ err: error }, "failed");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      err: { type: "Error", message: "duplicate key", code: "23505", constraint: "bookings_key" },
    });
    expect(lines.join()).not.toContain("nora");
  });

  test("the errors of an AggregateError have no values of a row either", () => {
    const { logger, lines } = capture({});
    const inner = Object.assign(new Error("duplicate key"), { code: "23505", detail: "Key (user_id)=(nora) exists." });
    logger.error({ err: new AggregateError([inner], "all failed") }, "failed");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ err: { aggregateErrors: [{ code: "23505" }] } });
    expect(lines.join()).not.toContain("nora");
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

describe("on a terminal", () => {
  /** What is logged, without the time. */
  function prettyLines(log: (logger: ReturnType<typeof createLogger>) => void): string[] {
    const { logger, lines } = capture({ pretty: true });
    log(logger);
    return lines.map((line) => line.replace(/^\[\d\d:\d\d:\d\d\] /, ""));
  }

  test("a line has the local time, the level, the message and the fields, those of children included", () => {
    const clock = () => Temporal.Now.plainTimeISO().toString({ smallestUnit: "second" });
    const { logger, lines } = capture({ pretty: true });
    const before = clock();
    logger.child({ call: 1 }).warn({ user: "ann", host: "::" }, "slow");
    const line = (time: string) => `[${time}] WARN: slow call=1 user=ann host=::\n`;
    expect([line(before), line(clock())]).toContain(lines.join(""));
  });

  test.each([
    ["no fields", {}, "a", "INFO: a\n"],
    ["no message", { port: 8080 }, undefined, "INFO: port=8080\n"],
    ["a text as its error", { error: "refused" }, "a", "INFO: a error=refused\n"],
    ["a text with spaces", { reason: "too late" }, "a", 'INFO: a reason="too late"\n'],
    ["a pid, which is not this process's", { pid: 7 }, "a", "INFO: a pid=7\n"],
    ["nested values", { b: { c: [1, null] }, d: null }, "a", 'INFO: a b={"c":[1,null]} d=null\n'],
  ])("a line with %s", (_, fields, message, line) => {
    expect(prettyLines((logger) => logger.info(fields, message)).map((text) => text.replace(/ +/g, " "))).toEqual([
      expect.stringMatching(new RegExp(`^${line.replace(/[[\]{}.]/g, "\\$&").replace("\n", " ?\n")}$`)),
    ]);
  });

  const hostile = "a\u001b[2J\n[15:55:33] FATAL: forged\u009b\u007f\r";
  test.each([
    ["the message", (logger: Logger) => logger.info(hostile)],
    ["a value", (logger: Logger) => logger.info({ user: hostile }, "a")],
    ["a nested value", (logger: Logger) => logger.info({ users: [{ name: hostile }] }, "a")],
    ["an error's message and stack", (logger: Logger) => logger.info({ err: new Error(hostile) }, "a")],
    ["an error that is text", (logger: Logger) => logger.info({ err: hostile }, "a")],
  ])("control characters in %s neither move the cursor nor forge a line", (_, log) => {
    const text = prettyLines(log).join("");
    expect(text).toContain("forged");
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    expect(text).not.toMatch(/^\[15:55:33\]/m);
  });

  test("an error follows its line, with its stack and its other properties", () => {
    const error = Object.assign(new Error("no answer"), { code: "E1" });
    const [text = ""] = prettyLines((logger) => logger.error({ err: error }, "failed"));
    expect(text).toMatch(/^ERROR: failed *\n {4}err: \{\n/);
    expect(text).toMatch(/^ +Error: no answer\n +at /m);
    expect(text).toContain('"code": "E1"');
  });
});

test.runIf(process.platform === "linux")("a line that a full disk has no space for does not throw", () => {
  const url = pathToFileURL(`${import.meta.dirname}/log.ts`);
  const script = `import { createLogger } from "${url}";
    const logger = createLogger({ level: "info" });
    for (const line of ["first", "second"]) logger.info(line);
    process.stderr.write("continues");`;
  const full = openSync("/dev/full", "w");
  const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  closeSync(full);
  expect({ stderr, status }).toEqual({ stderr: "continues", status: 0 });
});

test("writes a line as JSON if it cannot be made readable", () => {
  const { logger, lines } = capture({ pretty: true });
  logger.info({ level: {} }, "odd");
  expect(lines.join("")).toContain('"msg":"odd"');
});
