/** The REST table of the requirement, written by hand: what the tests call must not come from what they test. */
const routes: Record<string, (request: Record<string, unknown>) => { method: string; path: string; body?: object }> = {
  "ConcertService.GetConcert": ({ id }) => ({ method: "GET", path: `/api/v1/concerts/${id}` }),
  "ConcertService.ListConcerts": (query) => ({ method: "GET", path: `/api/v1/concerts${search(query)}` }),
  "ConcertService.CreateConcert": (body) => ({ method: "POST", path: "/api/v1/concerts", body }),
  "ConcertService.UpdateConcert": ({ id, ...body }) => ({ method: "PUT", path: `/api/v1/concerts/${id}`, body }),
  "BookingService.GetBooking": ({ id }) => ({ method: "GET", path: `/api/v1/bookings/${id}` }),
  "BookingService.GetUserBookings": ({ user_id, ...query }) => ({
    method: "GET",
    path: `/api/v1/bookings${search({ userID: user_id, ...query })}`,
  }),
  "BookingService.BookTickets": (body) => ({ method: "POST", path: "/api/v1/bookings", body }),
  "BookingService.CancelBooking": ({ id, ...body }) => ({
    method: "POST",
    path: `/api/v1/bookings/${id}/cancel`,
    body,
  }),
};

function search(query: Record<string, unknown>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Calls a method's REST route with a request as the schema's JSON (snake_case). */
export async function restCall(
  baseUrl: string,
  method: string,
  request: Record<string, unknown>,
  options: { headers?: Readonly<Record<string, string>>; fetch?: typeof globalThis.fetch } = {},
): Promise<RestAnswer> {
  const route = routes[method]?.(request);
  if (!route) throw new Error(`no REST route for ${method}`);
  const response = await (options.fetch ?? fetch)(`${baseUrl}${route.path}`, {
    method: route.method,
    headers: { ...(route.body ? { "Content-Type": "application/json" } : {}), ...options.headers },
    body: route.body ? JSON.stringify(route.body) : null,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Posts JSON to a path. */
export async function postJson(baseUrl: string, path: string, body: object) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${baseUrl}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
