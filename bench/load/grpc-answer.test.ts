import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { BookingSchema } from "../../gen/frontrow/v1/booking_pb.ts";
import { createIdReader, readGrpcWeb, readId } from "./grpc-answer.ts";

const id = 2 ** 40 + 300;
const message = toBinary(BookingSchema, create(BookingSchema, { id: BigInt(id), userId: "alice" }));
const answer = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);

test("the id is read wherever the answer is cut", () => {
  for (let cut = 0; cut <= answer.length; cut++) {
    const read = createIdReader();
    read(answer.subarray(0, cut));
    expect(read(answer.subarray(cut)), `cut at ${cut}`).toBe(id);
  }
});

test("a message without an id gives none", () => {
  expect(createIdReader()(Buffer.from([0, 0, 0, 0, 2, 0x12, 0]))).toBeNaN();
});

test("a body of gRPC-Web has the message and the status", () => {
  const trailers = Buffer.from("grpc-status: 0\r\n");
  const body = Buffer.concat([answer, Buffer.from([0x80, 0, 0, 0, trailers.length]), trailers]).toString("latin1");
  const { status, message: found } = readGrpcWeb(body);
  expect([status, readId(found)]).toEqual(["0", id]);
});

test("a refusal by gRPC-Web has the status and its details", () => {
  const trailers = Buffer.from("grpc-message: no\r\ngrpc-status: 9\r\ngrpc-status-details-bin: CAk/+A\r\n");
  const body = Buffer.concat([Buffer.from([0x80, 0, 0, 0, trailers.length]), trailers]).toString("latin1");
  expect(readGrpcWeb(body)).toEqual({ status: "9", details: "CAk/+A", message: Buffer.of() });
});

test("no body has no status", () => expect(readGrpcWeb("").status).toBe(""));
