/** What must be equal in two outputs of the same call: everything but digits, instants and UUIDs. */

const instant = /\d{4}-\d{2}-\d{2}T[\d:.]+Z/g;
const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

function sameText(text: string): string {
  return text
    .replaceAll(uuid, "UUID")
    .replaceAll(instant, "INSTANT")
    .replaceAll(/\d+(\.\d+)?/g, "0");
}

/** A value of JSON as a text in which these are replaced. */
export function sameShape(value: unknown): unknown {
  return JSON.parse(sameText(JSON.stringify(value)));
}
