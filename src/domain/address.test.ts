import { describe, expect, test } from "vitest";
import { addressGroup, bareAddress, createAddressMatcher, isLoopback } from "./address.ts";

describe("addressGroup", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:C000:0201", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002:ffff::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:0:1::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["::192.0.2.1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["192.0.2.1:4711", "192.0.2.1"],
    ["[2001:db8::1]:4711", "2001:db8:0:0::/64"],
    ["[2001:db8::1]", "2001:db8:0:0::/64"],
  ])("counts %s as %s", (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });

  test.each(["", "unknown", "192.0.2.256", "192.0.2.1, 192.0.2.2", "2001:db8", "x".repeat(10_000)])(
    "counts what is no address as one",
    (address) => {
      expect(addressGroup(address)).toBe("unknown");
    },
  );
});

test.each([
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["128.0.0.1", false],
  ["::2", false],
  ["::ffff:192.0.2.1", false],
  ["localhost", false],
  ["", false],
])("isLoopback(%j) is %s", (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

describe("an address matcher", () => {
  const matches = createAddressMatcher(["192.0.2.1", "10.0.0.0/8", "fd00::/8", "2001:db8::7"]);

  test.each(["192.0.2.1", "10.255.0.1", "::ffff:10.0.0.1", "fd12::1", "2001:DB8:0::7"])("matches %s", (address) => {
    expect(matches(address)).toBe(true);
  });

  test.each(["192.0.2.2", "11.0.0.1", "::ffff:11.0.0.1", "fe00::1", "2001:db8::8", "10.0.0.1:80", "unknown", ""])(
    "does not know %j",
    (address) => {
      expect(matches(address)).toBe(false);
    },
  );

  test("of nothing matches nothing", () => {
    expect(createAddressMatcher([])("127.0.0.1")).toBe(false);
  });
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["192.0.2.1:4711", "192.0.2.1"],
  ["[2001:db8::1]:4711", "2001:db8::1"],
  ["[2001:db8::1]", "2001:db8::1"],
  ["2001:db8::1", "2001:db8::1"],
  ["", undefined],
  ["unknown", undefined],
  ["192.0.2.256:1", undefined],
  ["[192.0.2.1]:1", "192.0.2.1"],
  ["192.0.2.1:x", undefined],
  ["[2001:db8::1", undefined],
])("%s without its port is %s", (text, expected) => {
  expect(bareAddress(text)).toBe(expected);
});
