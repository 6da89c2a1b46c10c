/** Searches concerts and books tickets. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { Concert } from "../../gen/frontrow/v1/concert_pb.ts";
import { type Api, createConnectApi, createGrpcWebApi } from "./api.ts";

const form = find("#search", HTMLFormElement);
const table = find("table", HTMLTableElement);
const rows = find("#concerts", HTMLTableSectionElement);
const result = find("#result", HTMLOutputElement);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  report(async () => {
    const concerts = await createApi().search(field("artist"));
    rows.replaceChildren(...concerts.map(rowOf));
    table.hidden = concerts.length === 0;
    return `${concerts.length} ${concerts.length === 1 ? "concert" : "concerts"}`;
  });
});

function createApi(): Api {
  const service = { baseUrl: field("baseUrl").replace(/\/$/, ""), token: field("token") };
  return field("protocol") === "connect" ? createConnectApi(service) : createGrpcWebApi(service);
}

function rowOf(concert: Concert): HTMLTableRowElement {
  const row = document.createElement("tr");
  for (const text of [concert.name, concert.artist, dateOf(concert)]) row.insertCell().textContent = text;
  const price = row.insertCell();
  price.textContent = priceOf(concert);
  const left = row.insertCell();
  let available = concert.availableTickets;
  left.textContent = available.toLocaleString();
  price.className = left.className = "number";

  const count = Object.assign(document.createElement("input"), {
    type: "number",
    min: "1",
    max: "100",
    step: "1",
    value: "1",
    required: true,
  });
  count.ariaLabel = `Tickets for ${concert.name}`;
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Book" });
  button.addEventListener("click", () => {
    if (!count.reportValidity()) return;
    report(async () => {
      button.disabled = true;
      try {
        const { id, ticketCount } = await createApi().book({
          concertId: concert.id,
          ticketCount: count.valueAsNumber,
          userId: field("token") ? "" : field("userId"),
          // A repeated call with the same one does not book twice.
          requestId: crypto.randomUUID(),
        });
        available -= ticketCount;
        left.textContent = available.toLocaleString();
        return `Booking ${id}: ${ticketCount} for ${concert.name}`;
      } finally {
        button.disabled = false;
      }
    });
  });
  const book = row.insertCell();
  book.append(count, " ", button);
  return row;
}

/** Shows what an action returns, or why it failed. */
async function report(action: () => Promise<string>): Promise<void> {
  result.className = "";
  result.textContent = "…";
  try {
    result.textContent = await action();
  } catch (error) {
    result.className = "error";
    result.textContent = error instanceof ConnectError ? error.rawMessage : String((error as Error).message);
  }
}

function dateOf({ concertDate }: Concert): string {
  return concertDate
    ? timestampDate(concertDate).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })
    : "";
}

function priceOf({ price, currencyCode }: Concert): string {
  return price.toLocaleString(undefined, { style: "currency", currency: currencyCode });
}

function field(name: string): string {
  return String(new FormData(form).get(name) ?? "").trim();
}

function find<Type extends Element>(selector: string, type: new () => Type): Type {
  const element = document.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`the page has no ${selector}`);
  return element;
}
