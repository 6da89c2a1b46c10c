/** The cells of the protocol matrix: every method by every protocol by everything that it may answer. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { expectedAnswers } from "./expected-answers.ts";
import { type Protocol, protocols, supports } from "./protocols.ts";
import { projectRoot } from "./service.ts";

const isUnary = (method: DescMethod): method is DescMethodUnary => method.methodKind === "unary";

/** All that the services of the schema offer. */
export const methods: readonly DescMethodUnary[] = [ConcertService, BookingService].flatMap((service) =>
  service.methods.filter(isUnary),
);

/** The protocols by which a method can be called. */
export function protocolsOf(method: DescMethodUnary): readonly Protocol[] {
  return protocols.filter((protocol) => supports(protocol, method));
}

const codes = new Set(
  (
    "CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED " +
    "FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
  ).split(" "),
);

/** The reasons that the schema's comments promise for a method: its own, and those of any method of its service. */
export function documentedReasons(method: DescMethodUnary): readonly string[] {
  const schema = readFileSync(join(projectRoot, "proto", `${method.parent.file.name}.proto`), "utf8");
  const ofService = /Errors that any.*$/s.exec(commentOf(schema, `service ${method.parent.name} {`))?.[0] ?? "";
  const ofMethod = /Errors:.*$/s.exec(commentOf(schema, `rpc ${method.name}(`))?.[0] ?? "";
  const words = `${ofService} ${ofMethod}`.match(/\b[A-Z]{3,}(?:_[A-Z]+)*\b/g) ?? [];
  const reasons: readonly string[] = Object.keys(expectedAnswers);
  return [...new Set(words)].filter((word) => reasons.includes(word) || !codes.has(word));
}

/** The comment right before a declaration, without what it says to the linter. */
function commentOf(schema: string, declaration: string): string {
  const lines = schema.slice(0, schema.indexOf(declaration)).trimEnd().split("\n");
  const comment = lines.slice(lines.findLastIndex((line) => !line.trimStart().startsWith("//")) + 1);
  return comment.filter((line) => !line.includes("buf:lint")).join("\n");
}

export interface Matrix {
  /** Says that the method has been seen to give this answer by this protocol. */
  fill(method: DescMethodUnary, protocol: Protocol, answer: string): void;
  /** Fails if a cell is empty, or if one is filled that should not be there. */
  expectComplete(answersOf: (method: DescMethodUnary) => readonly string[]): void;
}

/** An empty matrix. */
export function createMatrix(): Matrix {
  const filled = new Set<string>();
  const cell = (method: DescMethodUnary, protocol: Protocol, answer: string) =>
    `${method.parent.name}.${method.name} by ${protocol}: ${answer}`;
  return {
    fill: (method, protocol, answer) => void filled.add(cell(method, protocol, answer)),
    expectComplete(answersOf) {
      const expected = methods.flatMap((method) =>
        answersOf(method).flatMap((answer) => protocolsOf(method).map((protocol) => cell(method, protocol, answer))),
      );
      expect([...filled].sort()).toEqual([...new Set(expected)].sort());
    },
  };
}
