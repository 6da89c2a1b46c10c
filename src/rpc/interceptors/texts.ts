import { type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import { normalized } from "../../../gen/frontrow/v1/text_pb.ts";

/**
 * A function that brings the fields with the option `normalized` of a message into NFC. One text has several encodings
 * that look alike; without this, a search would find only those of the encoding that the client's keyboard uses.
 */
export function createNormalizer(schema: DescMessage): (message: object) => void {
  const names = schema.fields
    .filter((field) => hasOption(field, normalized) && getOption(field, normalized))
    .map(({ localName }) => localName);
  return (message) => {
    const values = message as Record<string, unknown>;
    for (const name of names) {
      const text = values[name];
      if (typeof text === "string") values[name] = text.normalize("NFC");
    }
  };
}
