/**
 * The page at /docs in Chromium, under its Content-Security-Policy. With APP_TEST_SCREENSHOTS set to a folder, it leaves
 * pictures of the page there.
 */
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium, launchChromium } from "../clients/support/chromium.ts";
import { allScopes, createTokenIssuer, type TokenIssuer, trusting } from "../support/auth/tokens.ts";
import { readDocument } from "../support/openapi/document.ts";
import { startTestService, type TestService } from "../support/service/service.ts";

const executable = findChromium({ skipped: "the page of the API" });
const testInPage = test.skipIf(!executable);

const document = readDocument();
const { operations } = document;
const screenshots = process.env.APP_TEST_SCREENSHOTS;

let issuer: TokenIssuer;
let service: TestService;
let browser: Browser;
let page: Page;
/** What the browser has reported: errors, warnings, violations of the policy. */
const complaints: string[] = [];
const requested: URL[] = [];

beforeAll(async () => {
  if (!executable) return;
  issuer = await createTokenIssuer();
  [service, browser] = await Promise.all([startTestService(trusting(issuer)), launchChromium(executable)]);
  page = await browser.newPage({ viewport: { width: 1_280, height: 1_024 } });
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requested.push(new URL(request.url())));
  await page.goto(`${service.baseUrl}/docs`);
  await page
    .locator(".opblock")
    .nth(operations.length - 1)
    .waitFor();
});
afterAll(async () => {
  await browser?.close();
  await service?.close();
});

const picture = (name: string) => screenshots && page.screenshot({ path: join(screenshots, `${name}.png`) });

/** Opens the description of an operation. */
async function open(operationId: string): Promise<Locator> {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`);
  await operation.locator(".opblock-summary-control").click();
  return operation;
}

testInPage("shows every operation of the document under its tag", async () => {
  await picture("docs");
  expect(await page.locator(".opblock").count()).toBe(operations.length);
  const tags = [...new Set(operations.flatMap((operation) => operation.tags))];
  expect(await page.locator(".opblock-tag").evaluateAll((all) => all.map((each) => each.dataset.tag))).toEqual(tags);
});

testInPage.each(["BookTickets", "ListConcerts", "BookTicketsConnect"])(
  "shows every parameter and every answer of %s",
  async (operationId) => {
    const { parameters, responses } = document.operation(operationId);
    const operation = await open(operationId);
    await operation.locator(".responses-table").first().waitFor();
    expect(await operation.locator("tr.response").count()).toBe(Object.keys(responses).length);
    expect(await operation.locator("tr[data-param-name]").count()).toBe(parameters.length);
    await operation.evaluate((element) => element.scrollIntoView());
    await picture(operationId);
    await operation.locator(".opblock-summary-control").click();
  },
);

testInPage("calls the service with the token that was entered", async () => {
  await page.getByRole("button", { name: "Authorize", exact: true }).click();
  const dialog = page.locator(".modal-ux");
  await dialog.locator("input").fill(await issuer.sign({ sub: "alice", scope: allScopes }));
  await picture("authorize");
  await dialog.getByRole("button", { name: "Apply credentials" }).click();
  await dialog.getByRole("button", { name: "Close" }).click();

  const operation = await open("GetUserBookings");
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.locator('tr[data-param-name="user_id"] input[type=text]').fill("alice");
  await operation.getByRole("button", { name: "Execute" }).click();
  const answer = operation.locator(".live-responses-table .response");
  await answer.waitFor();
  await picture("called");
  expect(await answer.locator(".response-col_status").innerText()).toMatch(/^200/);
  expect(await answer.locator(".highlight-code").first().innerText()).toContain('"bookings": []');
});

testInPage("has made no error, broken no policy, and called no other host", async () => {
  expect(complaints).toEqual([]);
  expect([...new Set(requested.filter(({ protocol }) => protocol !== "data:").map(({ origin }) => origin))]).toEqual([
    service.baseUrl,
  ]);
});
