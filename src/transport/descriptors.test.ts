import { type DescFile, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { createDescriptors, fileBytes } from "./descriptors.ts";

const descriptors = createDescriptors([BookingService.file, Health.file]);

test.each([
  ["frontrow.v1.BookingService", "frontrow/v1/booking_service.proto"],
  ["frontrow.v1.BookingService.BookTickets", "frontrow/v1/booking_service.proto"],
  ["frontrow.v1.BookTicketsRequest", "frontrow/v1/booking_service.proto"],
  ["frontrow.v1.BookTicketsRequest.ticket_count", "frontrow/v1/booking_service.proto"],
  ["frontrow.v1.BookingStatus", "frontrow/v1/booking.proto"],
  ["frontrow.v1.BOOKING_STATUS_CONFIRMED", "frontrow/v1/booking.proto"],
  ["grpc.health.v1.HealthCheckResponse.ServingStatus", "health/v1/health.proto"],
  ["grpc.health.v1.HealthCheckResponse.SERVING", "health/v1/health.proto"],
  ["grpc.health.v1.HealthListResponse.StatusesEntry", "health/v1/health.proto"],
  ["google.api.http", "google/api/annotations.proto"],
  ["google.api.HttpRule.pattern", "google/api/http.proto"],
  ["buf.validate.field", "buf/validate/validate.proto"],
  ["google.protobuf.FieldOptions", "google/protobuf/descriptor.proto"],
])("finds %s in %s", (symbol, name) => {
  expect(descriptors.fileBySymbol(symbol)?.proto.name).toBe(name);
});

test.each([
  "",
  ".",
  "frontrow.v1",
  "frontrow.v1.Nothing",
  ".frontrow.v1.Booking",
  "frontrow.v1.BookingStatus.CONFIRMED",
])("finds nothing under %j", (symbol) => {
  expect(descriptors.fileBySymbol(symbol)).toBeUndefined();
});

test("finds a file with all that it imports, and every file parses", () => {
  const seen = new Map<string, DescFile>();
  const visit = (file: DescFile) => {
    if (seen.has(file.proto.name)) return;
    seen.set(file.proto.name, file);
    for (const imported of file.dependencies) visit(imported);
  };
  const file = descriptors.fileByName("frontrow/v1/booking_service.proto");
  if (file) visit(file);
  expect([...seen.keys()]).toEqual(
    expect.arrayContaining(["frontrow/v1/booking.proto", "buf/validate/validate.proto", "google/api/http.proto"]),
  );
  for (const file of seen.values()) {
    const parsed = fromBinary(FileDescriptorProtoSchema, fileBytes(file));
    expect([parsed.name, parsed.dependency]).toEqual([
      file.proto.name,
      file.dependencies.map((each) => each.proto.name),
    ]);
  }
  expect(descriptors.fileByName("frontrow/v1/booking_service")).toBeUndefined();
});

test("finds extensions by the message they extend", () => {
  const options = "google.protobuf.MethodOptions";
  // Who may call it, its errors and its tool are ours, and the route google's.
  expect(descriptors.extensionNumbers(options)).toEqual([50817, 50819, 50821, 72295728]);
  expect(descriptors.fileByExtension(options, 72295728)?.proto.name).toBe("google/api/annotations.proto");
  expect(descriptors.fileByExtension(options, 1)).toBeUndefined();
  expect(descriptors.extensionNumbers("frontrow.v1.Booking")).toEqual([]);
  expect(descriptors.extensionNumbers("frontrow.v1.Nothing")).toBeUndefined();
});
