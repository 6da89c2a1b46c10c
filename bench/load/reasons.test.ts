import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { reasonInJson, reasonInTrailers, remembering } from "./reasons.ts";

const info = create(ErrorInfoSchema, { reason: "INSUFFICIENT_TICKETS", domain: "frontrow" });
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replaceAll("=", "");

test("the reason of a REST problem", () => {
  expect(reasonInJson(400, '{"status":400,"reason":"INSUFFICIENT_TICKETS"}')).toBe("INSUFFICIENT_TICKETS");
});

test("the reason among the details of a Connect error", () => {
  const details = [
    { type: "google.rpc.RetryInfo", value: "" },
    { type: "google.rpc.ErrorInfo", value: base64(toBinary(ErrorInfoSchema, info)) },
  ];
  expect(reasonInJson(400, JSON.stringify({ code: "failed_precondition", details }))).toBe("INSUFFICIENT_TICKETS");
});

test("the reason in the trailers of gRPC", () => {
  const status = create(StatusSchema, { code: 9, details: [anyPack(ErrorInfoSchema, info)] });
  expect(reasonInTrailers("9", base64(toBinary(StatusSchema, status)))).toBe("INSUFFICIENT_TICKETS");
});

test("without a reason the status is returned", () => {
  expect(reasonInJson(502, "<html>")).toBe("HTTP_502");
  expect(reasonInJson(500, "{}")).toBe("HTTP_500");
  expect(reasonInTrailers("14", "")).toBe("GRPC_14");
});

test("equal refusals are read once", () => {
  let reads = 0;
  const read = remembering((status: number, text: string) => `${status} ${text} ${++reads}`);
  expect([read(400, "a"), read(400, "a"), read(409, "a")]).toEqual(["400 a 1", "400 a 1", "409 a 2"]);
});
