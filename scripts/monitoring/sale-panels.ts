/** The rows that show how a sale goes. */
import { each, job, laneQuantile, quantile, quantiles, type Row, rate, target } from "./panel.ts";

export const atAGlance: Row = {
  title: "At a glance",
  panels: [
    {
      title: "Ready",
      description: "The share of the instances that are ready for calls. Orange: some are not. Red: none is.",
      unit: "percentunit",
      queries: [[`(sum(frontrow_ready{${target}}) or vector(0)) / count(up{${target}})`, "ready"]],
      isStat: true,
      limits: { warning: 1, critical: 0.001, isTooFew: true },
    },
    {
      title: "Database",
      description: "Whether any instance reaches a database that commits writes. If not, no booking succeeds.",
      unit: "none",
      queries: [[`max(frontrow_database_up{${target}})`, "database"]],
      isStat: true,
      limits: { critical: 1, isTooFew: true },
      names: { 0: "no primary", 1: "takes writes" },
    },
    {
      title: "Inventory mismatch",
      description:
        "Concerts whose counters have contradicted their bookings within the last hour. It must be 0: otherwise tickets may be sold twice. It has no data until a process has compared all concerts.",
      unit: "none",
      queries: [[`max(max_over_time(frontrow_inventory_mismatch{${target}}[1h]))`, "concerts"]],
      isStat: true,
      limits: { critical: 1 },
    },
    {
      title: "Alerts",
      description: "Alerts that fire now, without those of severity info. docs/operations.md has a paragraph for each.",
      unit: "none",
      queries: [
        [`count(ALERTS{${job},alertname=~"Frontrow.+",alertstate="firing",severity!="info"}) or vector(0)`, "firing"],
      ],
      isStat: true,
      limits: { warning: 1 },
    },
    {
      title: "Sold",
      description: "Bookings and confirmed holds a second, in requests.",
      unit: "reqps",
      queries: [[rate("frontrow_bookings_total", "", 'outcome=~"booked|confirmed"'), "sold"]],
      isStat: true,
    },
    {
      title: "Failed calls",
      description:
        "The share of the calls that fail because of the service or its database, of the kind of call with the largest share.",
      unit: "percentunit",
      queries: [[`max(job_lane:frontrow_call_errors:ratio_rate2m{${job}})`, "failed"]],
      isStat: true,
      limits: { warning: 0.01, critical: 0.1 },
    },
    {
      title: "Bookings, p99",
      description: "The slowest hundredth of bookings, holds and cancels takes at least this long.",
      unit: "s",
      queries: [[laneQuantile("p99", 'lane="bookings"'), "p99"]],
      isStat: true,
      limits: { warning: 2.5 },
    },
    {
      title: "Queue",
      description: "How full the fullest queue of a process is. At 100 % new bookings fail with OVERLOADED.",
      unit: "percentunit",
      queries: [[`max(frontrow_queue_fullness_ratio{${target}})`, "full"]],
      isStat: true,
      limits: { warning: 0.5, critical: 0.8 },
    },
  ],
};

export const onSale: Row = {
  title: "On sale",
  panels: [
    {
      title: "Bookings a second",
      description:
        "What batches have committed, by kind of change. In a rush the line is flat at what the database can commit.",
      unit: "reqps",
      queries: [[rate("frontrow_bookings_total", "outcome", 'outcome!="refused"'), "{{outcome}}"]],
      isStacked: true,
    },
    {
      title: "Refused bookings and holds a second",
      description:
        "Calls that book, hold, extend or cancel and did not succeed, by the class of their reason. Sold out is normal at the end of a sale. Overloaded is not.",
      unit: "reqps",
      queries: [[`job_lane_code:frontrow_calls:rate2m{${job},lane="bookings",code!="OK"}`, "{{code}}"]],
      isStacked: true,
      names: {
        FailedPrecondition: "sold out, not on sale, or a limit of the user",
        ResourceExhausted: "rate limit, or too many calls at once",
        Unavailable: "overloaded, or the database is unavailable",
        DeadlineExceeded: "later than the client waits",
        InvalidArgument: "invalid request",
        PermissionDenied: "not allowed",
        Unauthenticated: "no valid token",
        NotFound: "no such concert or booking",
        Canceled: "the client has cancelled the call",
      },
    },
    {
      title: "Queued requests",
      description: "Requests that wait for their batch, by instance, and how many may.",
      unit: "short",
      queries: [each("frontrow_queue_depth"), [`min(frontrow_queue_limit{${target}})`, "limit of an instance"]],
    },
    {
      title: "Wait in the queue",
      description: "How long requests wait for their batch. It is most of a booking's latency in a rush.",
      unit: "s",
      queries: quantiles("frontrow_queue_wait_seconds"),
      limits: { warning: 2.5 },
    },
    {
      title: "Answers without a transaction",
      description:
        "Requests refused from the sold-out cache, which cost the database nothing, and requests refused because the queue is full or too slow.",
      unit: "reqps",
      queries: [
        [rate("frontrow_sold_out_refusals_total"), "sold out"],
        [rate("frontrow_queue_refusals_total"), "queue full"],
      ],
    },
    {
      title: "Holds",
      description:
        "Holds that customers have not paid for yet, and those that are due and have not expired: each should last about a second.",
      unit: "short",
      queries: [
        [`max(frontrow_live_holds{${target}})`, "live"],
        [`max(frontrow_overdue_holds{${target}})`, "overdue"],
      ],
    },
    {
      title: "Age of the inventory check",
      description:
        "Time since all concerts were last compared with their bookings, or since the check began. If it grows, a mismatch would not be noticed.",
      unit: "s",
      queries: [[`time() - max(frontrow_inventory_last_pass_timestamp_seconds{${target}})`, "age"]],
      limits: { warning: 3600 },
    },
  ],
};

export const latency: Row = {
  title: "Latency",
  panels: [
    {
      title: "Bookings",
      description:
        "Duration of bookings, holds and cancels in the service, without the network to the client and without refused calls.",
      unit: "s",
      queries: ["p50", "p95", "p99"].map((name) => [laneQuantile(name, 'lane="bookings"'), name] as const),
      limits: { warning: 2.5 },
    },
    {
      title: "p99 by kind of call",
      description: "Which kind of call is slow. Reads should stay below 0.5 s, the others below 2.5 s.",
      unit: "s",
      queries: [[laneQuantile("p99", 'lane!=""'), "{{lane}}"]],
    },
    {
      title: "Slowest methods, p99",
      description: "The five slowest methods of the chosen instances, without refused calls.",
      unit: "s",
      queries: [
        [`topk(5, ${quantile(0.99, "frontrow_call_duration_seconds", "method", 'result!="refused"')})`, "{{method}}"],
      ],
    },
    {
      title: "Calls a second",
      description:
        "All calls by kind. A latency that rises without more calls has its cause in the database or the machine.",
      unit: "reqps",
      queries: [[`job_lane:frontrow_calls:rate2m{${job}}`, "{{lane}}"]],
      isStacked: true,
    },
    {
      title: "Calls a second by protocol",
      description: "Which clients call: gRPC, gRPC-Web, Connect or REST.",
      unit: "reqps",
      queries: [[rate("frontrow_calls_total", "protocol"), "{{protocol}}"]],
      isStacked: true,
    },
    {
      title: "Calls in flight",
      description: "Calls that have begun and have no response yet, by instance. Each takes about 20 KB of memory.",
      unit: "short",
      queries: [each("frontrow_calls_in_flight")],
    },
  ],
};
