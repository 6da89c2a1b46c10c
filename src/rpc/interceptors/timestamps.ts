import type { DescMessage } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Violation } from "../../domain/failure.ts";

const earliestSecond = -62_135_596_800n; // 0001-01-01T00:00:00Z
const latestSecond = 253_402_300_799n; // 9999-12-31T23:59:59Z
const nanosPerSecond = 1_000_000_000;

/**
 * A function that says which timestamps of a message are none by the rule of google.protobuf.Timestamp. Decoding JSON
 * holds to that rule, decoding binary does not; and the schema's own rules cannot be asked, for they calculate with
 * timestamps and fail. It looks at the message's own fields: requests have no timestamps further in.
 */
export function createTimestampCheck(schema: DescMessage): (message: object) => Violation[] {
  const fields = schema.fields.filter(({ message }) => message?.typeName === "google.protobuf.Timestamp");
  return (message) => {
    const values = message as Readonly<Record<string, Timestamp | undefined>>;
    return fields.flatMap(({ name, localName }) => {
      const fault = timestampFault(values[localName]);
      return fault === undefined ? [] : [{ field: name, message: fault }];
    });
  };
}

function timestampFault(timestamp: Timestamp | undefined): string | undefined {
  if (timestamp === undefined) return undefined;
  const { seconds, nanos } = timestamp;
  if (seconds < earliestSecond || seconds > latestSecond) return "must be between the years 1 and 9999";
  return nanos < 0 || nanos >= nanosPerSecond ? "must have 0 to 999999999 nanos" : undefined;
}
