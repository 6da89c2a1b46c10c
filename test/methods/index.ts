/** The scenarios of all methods. Each method of the schema has a file here, `get-concert.ts` for GetConcert. */
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { create, type DescMethod, type DescMethodUnary, toJson } from "@bufbuild/protobuf";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import type { Existing, JsonObject, Scenario } from "../support/scenario/scenario.ts";

const isUnary = (method: DescMethod): method is DescMethodUnary => method.methodKind === "unary";

/** The unary methods of the schema's services. */
export const methods: readonly DescMethodUnary[] = [ConcertService, BookingService].flatMap((service) =>
  service.methods.filter(isUnary),
);

const nameOfFile = ({ name }: DescMethodUnary) => name.replaceAll(/(?<=.)[A-Z]/g, "-$&").toLowerCase();

const files = readdirSync(import.meta.dirname)
  .map((file) => basename(file, ".ts"))
  .filter((file) => file !== "index");
const modules: readonly { scenario: Scenario }[] = await Promise.all(
  files.map((file) => import(/* @vite-ignore */ `./${file}.ts`)),
);

/** The scenarios, in the order of the schema. */
export const scenarios: readonly Scenario[] = modules
  .map(({ scenario }) => scenario)
  .toSorted((a, b) => methods.indexOf(a.method) - methods.indexOf(b.method));

/** The files that are missing, without their extension. */
export const missingFiles = methods.map(nameOfFile).filter((file) => !files.includes(file));

/** A method's name with its service's, such as `ConcertService.GetConcert`. */
export const nameOf = (method: DescMethod) => `${method.parent.name}.${method.name}`;

/** The scenario of a method by its name, such as `ConcertService.GetConcert`. */
export function scenarioOf(name: string): Scenario {
  const found = scenarios.find(({ method }) => nameOf(method) === name);
  if (!found) throw new Error(`no file in test/methods is about ${name}`);
  return found;
}

/** A request of the method that succeeds. */
export function rightRequest({ method, right }: Scenario, existing: Existing) {
  return create(method.input, right(existing));
}

/** The same in JSON. */
export function rightJson(scenario: Scenario, existing: Existing): JsonObject {
  return toJson(scenario.method.input, rightRequest(scenario, existing), { useProtoFieldName: true }) as JsonObject;
}
