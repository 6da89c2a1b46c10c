/** Tools for assistants, by the client of the protocol's SDK. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectMcp, type McpClient, revisions } from "./support/protocols/mcp.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlightJson, type Stage } from "./support/service/stage.ts";

let service: TestService;
/** Another process on the same database. */
let other: TestService;
let stage: Stage;
beforeAll(async () => {
  service = await startTestService();
  other = await startTestService({}, service.database);
  stage = createStage(service.baseUrl);
});
afterAll(async () => {
  await other?.close();
  await service?.close();
});

describe.each(revisions)("by revision %s", (revision) => {
  let mcp: McpClient;
  beforeAll(async () => {
    mcp = await connectMcp(service.baseUrl, { revision });
  });
  afterAll(() => mcp?.[Symbol.asyncDispose]());

  test("negotiates the revision and names the service", () => {
    expect(mcp.client.getNegotiatedProtocolVersion()).toBe(revision);
    expect(mcp.client.getServerVersion()).toMatchObject({ name: "frontrow", title: "Frontrow" });
    expect(mcp.client.getInstructions()).toContain("request_id");
    // Without tokens it does not know the user.
    expect(mcp.client.getInstructions()).toContain("user_id");
  });

  test("lists the tools with what they do", async () => {
    const { tools } = await mcp.client.listTools();
    const hints = tools.map(({ name, annotations }) => {
      const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = annotations ?? {};
      return [name, readOnlyHint, destructiveHint, idempotentHint, openWorldHint];
    });
    expect(hints).toEqual([
      ["list_bookings", true, false, true, false],
      ["book_tickets", false, false, true, false],
      ["cancel_booking", false, true, true, false],
      ["hold_tickets", false, false, true, false],
      ["confirm_hold", false, false, true, false],
      ["release_hold", false, true, true, false],
      ["get_concert", true, false, true, false],
      ["search_concerts", true, false, true, false],
    ]);
  });

  test("needs no session: each request may reach another process", async () => {
    const urls = [service.baseUrl, other.baseUrl];
    const asked: string[] = [];
    const alternate: typeof fetch = (input, init) => {
      const url = new URL("/mcp", urls[asked.length % urls.length]);
      asked.push(url.origin);
      return fetch(new Request(url, new Request(input, init)));
    };
    await using anywhere = await connectMcp(service.baseUrl, { revision, fetch: alternate });
    const { id } = await stage.concert();
    for (let count = 0; count < 2; count++) {
      expect((await anywhere.call("get_concert", { id: String(id) })).isError).toBeUndefined();
    }
    expect(new Set(asked)).toEqual(new Set(urls));
  });

  test("searches concerts and gets one", async () => {
    const artist = `The ${randomUUID()}`;
    const { id } = await stage.concert({ artist });
    const found = await mcp.call("search_concerts", { artist: artist.toLowerCase() });
    expect(found.structuredContent).toMatchObject({ concerts: [{ id: String(id), artist }], next_page_token: "" });
    const got = await mcp.call("get_concert", { id: String(id) });
    expect(got.isError).toBeUndefined();
    expect(got.structuredContent).toMatchObject({ ...moonlightJson, id: String(id), artist });
    expect(got.content).toEqual([{ type: "text", text: JSON.stringify(got.structuredContent) }]);
  });

  test("books, lists and cancels, and says when a request is repeated", async () => {
    const { id } = await stage.concert();
    const user_id = `ada-${randomUUID()}`;
    const request = { concert_id: String(id), user_id, ticket_count: 2, request_id: randomUUID() };
    const booked = await mcp.call("book_tickets", request);
    expect(booked.structuredContent).toMatchObject({ user_id, ticket_count: 2, status: "BOOKING_STATUS_CONFIRMED" });
    const again = await mcp.call("book_tickets", request);
    expect(again.structuredContent).toEqual(booked.structuredContent);
    expect(again.content[1]).toEqual({ type: "text", text: expect.stringContaining("used before") });
    const listed = await mcp.call("list_bookings", { user_id });
    expect(listed.structuredContent).toEqual({ bookings: [booked.structuredContent], next_page_token: "" });
    const bookingId = booked.structuredContent as { id: string };
    const cancelled = await mcp.call("cancel_booking", { id: bookingId.id, user_id, request_id: randomUUID() });
    expect(cancelled.structuredContent).toMatchObject({ id: bookingId.id, status: "BOOKING_STATUS_CANCELLED" });
  });
});
