/** The cells of the protocol matrix: method, protocol and answer. */
import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { ErrorOrigin, type ReasonName, reasonsFrom, reasonsOf } from "../../../src/rpc/reasons.ts";
import { methods } from "../../methods/index.ts";
import { type Protocol, protocols, supports } from "../protocols/protocols.ts";

/** The protocols by which a method can be called. */
export function protocolsOf(method: DescMethodUnary): readonly Protocol[] {
  return protocols.filter((protocol) => supports(protocol, method));
}

/** The reasons that the schema promises for a method: its own, and those of any method. */
export function declaredReasons(method: DescMethod): readonly ReasonName[] {
  return [...reasonsOf(method), ...reasonsFrom(ErrorOrigin.ANY_METHOD)];
}

interface Matrix {
  /** Records that the method gave this answer by this protocol. */
  fill(method: DescMethodUnary, protocol: Protocol, answer: string): void;
  /** Fails if a cell is missing, or if one is recorded that should not exist. */
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
