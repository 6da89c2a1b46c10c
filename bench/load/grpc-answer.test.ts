import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { BookingSchema } from "../../gen/frontrow/v1/booking_pb.ts";
import { createIdReader } from "./grpc-answer.ts";

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
