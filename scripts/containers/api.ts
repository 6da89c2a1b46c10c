/** Requests to what runs in the stack, and calls of the service by REST. */
import { randomUUID } from "node:crypto";
import { overall } from "./engine.ts";

export interface Booking {
  readonly id: string;
  readonly ticket_count: number;
  readonly status: string;
}

const requestMs = 10_000;

/** Sends a request. It has a time limit, so that `until` can make another attempt after one that hangs. */
export async function request(url: string, init: RequestInit = {}): Promise<Response> {
  return await fetch(url, { ...init, signal: AbortSignal.any([overall, AbortSignal.timeout(requestMs)]) });
}

/** Calls a path of the API. Throws with the response if it is an error. */
export async function call<Answer>(port: number, method: string, path: string, body?: object): Promise<Answer> {
  const response = await request(`http://127.0.0.1:${port}/api/v1/${path}`, {
    method,
    ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} returned ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Whether `/readyz` says that it serves. */
export async function isReady(port: number): Promise<boolean> {
  return (await request(`http://127.0.0.1:${port}/readyz`)).ok;
}

/** Books two tickets. */
export async function book(port: number, concertId: string): Promise<Booking> {
  const wanted = { request_id: randomUUID(), concert_id: concertId, user_id: "stowaway", ticket_count: 2 };
  return await call<Booking>(port, "POST", "bookings", wanted);
}

/** Reads a booking. */
export async function getBooking(port: number, id: string): Promise<Booking> {
  return await call<Booking>(port, "GET", `bookings/${id}`);
}
