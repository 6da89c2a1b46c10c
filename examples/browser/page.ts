/** Searches concerts, books tickets and holds them. */
import { timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { Booking } from "../../gen/frontrow/v1/booking_pb.ts";
import type { Concert } from "../../gen/frontrow/v1/concert_pb.ts";
import { type Api, createConnectApi, createGrpcWebApi, type Order } from "./api.ts";

const form = find("#search", HTMLFormElement);
const table = find("table", HTMLTableElement);
const rows = find("#concerts", HTMLTableSectionElement);
const holds = find("#holds", HTMLUListElement);
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
  const addToLeft = (tickets: number) => {
    available += tickets;
    left.textContent = available.toLocaleString();
  };
  addToLeft(0);
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
  const take = async (order: (order: Order) => Promise<Booking>) => {
    if (!count.reportValidity()) return undefined;
    const booking = await order({
      concertId: concert.id,
      ticketCount: count.valueAsNumber,
      userId: field("token") ? "" : field("userId"),
      // A repeated call with the same one does not book twice.
      requestId: crypto.randomUUID(),
    });
    addToLeft(-booking.ticketCount);
    return booking;
  };
  const book = button("Book", async () => describe(concert, await take(createApi().book)));
  const hold = button("Hold", async () => {
    const held = await take(createApi().hold);
    if (held) holds.append(itemOf(held, concert, () => addToLeft(held.ticketCount)));
    return describe(concert, held);
  });
  row.insertCell().append(count, " ", book, " ", hold);
  return row;
}

function describe({ name }: Concert, booking: Booking | undefined): string {
  return booking ? `Booking ${booking.id}: ${booking.ticketCount} for ${name}` : "";
}

/** A hold with the time that it has left. `giveBack` is called when its tickets are on sale again. */
function itemOf(
  { id, userId: owner, holdExpiresTime }: Booking,
  concert: Concert,
  giveBack: () => void,
): HTMLLIElement {
  const item = document.createElement("li");
  const time = document.createElement("span");
  const expiresAtMs = holdExpiresTime ? timestampMs(holdExpiresTime) : 0;
  const countDown = () => {
    const seconds = Math.ceil((expiresAtMs - Date.now()) / 1_000);
    time.textContent = `Hold ${id} for ${concert.name}: ${seconds} s left`;
    if (seconds > 0) return;
    remove();
    giveBack();
  };
  const timer = setInterval(countDown, 1_000);
  const remove = () => {
    clearInterval(timer);
    item.remove();
  };
  const userId = field("token") ? "" : owner;
  const confirm = async () => {
    const { ticketCount } = await createApi().confirm({ id, userId });
    remove();
    return `Booking ${id}: ${ticketCount} for ${concert.name} confirmed`;
  };
  const release = async () => {
    const { ticketCount } = await createApi().release({ id, userId });
    // The hold may have expired meanwhile.
    if (item.isConnected) giveBack();
    remove();
    return `Booking ${id}: ${ticketCount} for ${concert.name} released`;
  };
  item.append(time, " ", button("Confirm", confirm), " ", button("Release", release));
  countDown();
  return item;
}

/** A button that shows what its action returns. */
function button(text: string, action: () => Promise<string>): HTMLButtonElement {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  made.addEventListener("click", async () => {
    made.disabled = true;
    await report(action);
    made.disabled = false;
  });
  return made;
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
