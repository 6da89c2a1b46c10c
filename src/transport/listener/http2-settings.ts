/**
 * Announces how many streams a client may have open. Node counts a stream that the client has reset as open until all
 * that has arrived is processed: it would reject streams that a client begins in place of those it has just reset, and end
 * the connection after a hundred. So Node has no limit, and `http2-limits.ts` counts, but the client needs the number.
 */
import { getPackedSettings, type Settings } from "node:http2";

/** RFC 9113, 4.1 and 6.5. */
const headerBytes = 9;
const settingsType = 4;

/**
 * Two settings with identifiers that are not assigned, which every client ignores (RFC 9113, 6.5.2), begin with these bytes
 * and end with the header of Node's own frame.
 */
const ignored = Buffer.of(0x0a, 0x0a, 0);

/**
 * What a connection has to begin with, before Node writes its SETTINGS frame with `nodeSettings`. Both are one frame to the
 * client: these settings, then two that it ignores, then Node's. With two frames the client would acknowledge both, and
 * Node would take the second acknowledgement for a protocol error.
 */
export function openingSettings(announced: Settings, nodeSettings: Settings): Buffer {
  const packed = getPackedSettings(announced);
  const header = Buffer.alloc(headerBytes);
  const nodeFrameBytes = headerBytes + getPackedSettings(nodeSettings).length;
  header.writeUIntBE(packed.length + ignored.length + nodeFrameBytes, 0, 3);
  header.writeUInt8(settingsType, 3);
  return Buffer.concat([header, packed, ignored]);
}
