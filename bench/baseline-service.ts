/** The baselines as an RPC service with the messages of BookTickets, over every protocol. */
import { create, createFileRegistry, type DescService, getOption, setExtension } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  type MethodDescriptorProto,
  MethodDescriptorProtoSchema,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { access } from "../gen/frontrow/v1/access_pb.ts";
import { BookingService, file_frontrow_v1_booking_service } from "../gen/frontrow/v1/booking_service_pb.ts";
import { http } from "../gen/google/api/annotations_pb.ts";
import { HttpRuleSchema } from "../gen/google/api/http_pb.ts";

const fileName = "frontrow/bench/v1/baseline_service.proto";
const packageName = "frontrow.bench.v1";
const serviceName = "BaselineService";

/** The method that does nothing. */
export const noopMethod = "Noop";
/** The pool sizes of `baseline-row-lock`. The best of them is measured. */
export const rowLockPoolSizes: readonly number[] = [2, 4, 10];
/** The method of `baseline-row-lock` with a pool of this size. */
export const rowLockMethod = (poolSize: number) => `BookRowLock${poolSize}`;
/** Where Fastify answers without any of the service's layers. */
export const barePath = "/bench/bare";

/** Where a baseline is served over REST. */
export const baselineRestPath = (method: string) => `/bench/${method}`;
/** Where a baseline is served over Connect and gRPC. */
export const baselineRpcPath = (method: string) => `/${packageName}.${serviceName}/${method}`;

/** Creates the schema of a service whose methods have BookTickets' messages, rules included. */
export function describeBaselines(methodNames: readonly string[]): DescService {
  const files = [file_frontrow_v1_booking_service, ...file_frontrow_v1_booking_service.dependencies];
  const file = create(FileDescriptorProtoSchema, {
    name: fileName,
    syntax: "proto3",
    package: packageName,
    dependency: files.map(({ proto }) => proto.name),
    service: [{ name: serviceName, method: methodNames.map(describeMethod) }],
  });
  const registry = createFileRegistry(file, (name) => files.find(({ proto }) => proto.name === name));
  const service = registry.getService(`${packageName}.${serviceName}`);
  if (!service) throw new Error("the baselines' schema has no service");
  return service;
}

function describeMethod(name: string): MethodDescriptorProto {
  const options = create(MethodOptionsSchema);
  const rule = create(HttpRuleSchema, { pattern: { case: "post", value: baselineRestPath(name) }, body: "*" });
  setExtension(options, http, rule);
  setExtension(options, access, getOption(BookingService.method.bookTickets, access));
  return create(MethodDescriptorProtoSchema, {
    name,
    inputType: ".frontrow.v1.BookTicketsRequest",
    outputType: ".frontrow.v1.Booking",
    options,
  });
}
