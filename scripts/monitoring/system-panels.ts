/** The rows that show why a sale goes as it does. */
import { each, job, quantile, quantiles, type Row, rate, target } from "./panel.ts";

export const engine: Row = {
  title: "Engine",
  panels: [
    {
      title: "Requests in a batch",
      description:
        "One batch is one transaction. In a rush batches grow up to 512 requests, which is what makes it fast.",
      unit: "short",
      queries: [
        [`${rate("frontrow_batch_requests_sum")} / ${rate("frontrow_batch_requests_count")}`, "mean"],
        [quantile(0.95, "frontrow_batch_requests"), "p95"],
      ],
    },
    {
      title: "Batches a second",
      description:
        "Batches by how they ended, and those repeated after a conflict or a broken connection. Failed ones should be 0.",
      unit: "reqps",
      queries: [
        [rate("frontrow_batches_total", "outcome"), "{{outcome}}"],
        [rate("frontrow_batch_retries_total"), "repeated"],
      ],
    },
    {
      title: "Lock of the concert",
      description:
        "How long a batch waits for a connection and the lock, and then holds it. A long wait with a short hold: another process, or a transaction by hand, has the lock.",
      unit: "s",
      queries: [
        ...quantiles("frontrow_lock_wait_seconds", "wait, "),
        ...quantiles("frontrow_lock_held_seconds", "held, "),
      ],
    },
    {
      title: "Commit",
      description:
        "Time of the writes and the COMMIT of a batch: the disk of the database, and its synchronous standby.",
      unit: "s",
      queries: quantiles("frontrow_commit_seconds"),
    },
  ],
};

export const database: Row = {
  title: "Database",
  panels: [
    {
      title: "Takes writes",
      description:
        "1 while the instance reaches a database that commits writes. All at 0: no primary. One at 0: its network.",
      unit: "none",
      queries: [each("frontrow_database_up")],
    },
    {
      title: "Connections in use",
      description:
        'Connections that work at this moment, and how many the chosen instances may have. The pool "main" serves calls, "aside" probes and recovers.',
      unit: "short",
      queries: [
        [`sum by (pool) (frontrow_database_connections{${target},state="in_use"})`, "{{pool}}"],
        [`sum(frontrow_database_connections_limit{${target},pool="main"})`, "limit of main"],
      ],
    },
    {
      title: "Wait for a connection",
      description:
        "How long a read, a search or a batch waits until it has a connection. After 5 s a call fails with OVERLOADED.",
      unit: "s",
      queries: [[quantile(0.95, "frontrow_database_connection_wait_seconds", "pool"), "{{pool}}, p95"]],
      limits: { warning: 1 },
    },
    {
      title: "Use of a connection",
      description:
        "How long a transaction or a read keeps its connection. Long uses with few calls: the database is slow, or holds locks.",
      unit: "s",
      queries: [[quantile(0.95, "frontrow_database_connection_held_seconds", "pool"), "{{pool}}, p95"]],
    },
    {
      title: "Calls without a connection",
      description: "Calls a second that got no connection in time, or found too many others waiting.",
      unit: "reqps",
      queries: [[rate("frontrow_database_connection_refusals_total"), "refused"]],
    },
    {
      title: "Commits in doubt",
      description:
        'Transactions a second whose response to COMMIT was lost, and what became of them. "unknown" means that callers got OUTCOME_UNKNOWN.',
      unit: "reqps",
      queries: [
        [rate("frontrow_commits_in_doubt_total"), "in doubt"],
        [rate("frontrow_commits_settled_total", "outcome"), "{{outcome}}"],
      ],
    },
    {
      title: "Reads from the cache",
      description:
        "The share of reads of concerts and pages that the database did not see. It falls when clients ask for no-cache, or for many different pages.",
      unit: "percentunit",
      queries: [
        [
          `${rate("frontrow_cache_lookups_total", "", 'result="hit"')} / ${rate("frontrow_cache_lookups_total")}`,
          "hits",
        ],
      ],
    },
  ],
};

export const errors: Row = {
  title: "Errors",
  panels: [
    {
      title: "Failed calls by kind",
      description:
        "The share of calls that fail because of the service or its database. The lines are the limits of the alerts.",
      unit: "percentunit",
      queries: [[`job_lane:frontrow_call_errors:ratio_rate2m{${job}}`, "{{lane}}"]],
      limits: { warning: 0.01, critical: 0.1 },
    },
    {
      title: "Errors by code",
      description:
        "Calls a second with the code of a failure of the service. The log at warn has the reason and its cause. Internal is a bug. Those in the panel on the right are among them.",
      unit: "reqps",
      queries: [
        [
          rate("frontrow_calls_total", "code", 'code=~"Internal|Unknown|Unavailable|DeadlineExceeded|DataLoss"'),
          "{{code}}",
        ],
      ],
    },
    {
      title: "Errors caused by clients",
      description:
        "Calls a second with the code of a failure that their client has caused: a token with a key that the identity provider does not have, or a deadline below one second. No alert counts them.",
      unit: "reqps",
      queries: [[rate("frontrow_client_caused_errors_total", "cause"), "{{cause}}"]],
      names: { unknown_key: "unknown key", short_deadline: "deadline below 1 s" },
    },
    {
      title: "Calls by code",
      description:
        "All other responses a second. A code that suddenly dominates is a client with a fault, or an attack.",
      unit: "reqps",
      queries: [
        [
          rate("frontrow_calls_total", "code", 'code!~"Internal|Unknown|Unavailable|DeadlineExceeded|DataLoss"'),
          "{{code}}",
        ],
      ],
      isStacked: true,
    },
  ],
};

export const limits: Row = {
  title: "Limits",
  panels: [
    {
      title: "Rate-limited calls",
      description:
        "Calls a second that were rejected by a rate limit. Many in one kind: a client that does not back off, or a limit that is too low.",
      unit: "reqps",
      queries: [[rate("frontrow_rate_limited_total", "lane"), "{{lane}}"]],
    },
    {
      title: "Shed calls",
      description:
        "Calls a second that were rejected because the event-loop delay leaves no time to answer them: the process is overloaded.",
      unit: "reqps",
      queries: [[rate("frontrow_shed_calls_total", "lane"), "{{lane}}"]],
    },
    {
      title: "Too many at once",
      description:
        "Calls a second that were rejected because their caller, address or process has too many unfinished bookings or open streams.",
      unit: "reqps",
      queries: [[rate("frontrow_concurrency_limited_total", "limit"), "{{limit}}"]],
    },
    {
      title: "Open connections",
      description: "Connections of clients by instance, and how many each may have.",
      unit: "short",
      queries: [
        each("frontrow_connections_open"),
        [`min(frontrow_connections_limit{${target}})`, "limit of an instance"],
      ],
    },
    {
      title: "Refused connections",
      description: "Connections a second that were closed at once because of a limit. Their clients see no error code.",
      unit: "reqps",
      queries: [[rate("frontrow_connections_refused_total"), "refused"]],
    },
    {
      title: "Open streams",
      description: "Streams of responses that are open, by instance. APP_MAX_STREAMS limits them.",
      unit: "short",
      queries: [each("frontrow_streams_open")],
    },
  ],
};

export const processes: Row = {
  title: "Processes",
  panels: [
    {
      title: "Event-loop delay",
      description: "How late the process handles its sockets. Above 0.5 s it has more work than a core can do.",
      unit: "s",
      queries: [each("frontrow_event_loop_delay_seconds")],
      limits: { warning: 0.5 },
    },
    {
      title: "CPU",
      description:
        "Cores in use, by instance. One process uses little more than one core: start workers or instances for more.",
      unit: "short",
      queries: [[rate("process_cpu_seconds_total", "instance"), "{{instance}}"]],
    },
    {
      title: "Memory",
      description:
        "Resident memory and the part of it that is JavaScript's heap. A heap that grows for hours without more calls is a leak.",
      unit: "bytes",
      queries: [
        [`process_resident_memory_bytes{${target}}`, "{{instance}}"],
        [`nodejs_heap_size_used_bytes{${target}}`, "{{instance}}, heap"],
      ],
    },
    {
      title: "File descriptors",
      description:
        "The share of its file descriptors that a process has open, of the fullest process of an instance. At 100 % connections cannot be accepted.",
      unit: "percentunit",
      queries: [each("frontrow_open_files_ratio")],
      limits: { warning: 0.8 },
    },
    {
      title: "Workers",
      description:
        "Processes that serve, by instance, those that are missing or silent, and how many were replaced in the last 15 minutes.",
      unit: "short",
      queries: [
        [`frontrow_workers{${target},state="running"}`, "{{instance}}"],
        [
          `frontrow_workers{${target},state="configured"} - ignoring (state) frontrow_workers{${target},state="running"}`,
          "{{instance}}, missing",
        ],
        [`frontrow_workers{${target},state="silent"}`, "{{instance}}, silent"],
        [`sum by (instance) (increase(frontrow_worker_restarts_total{${target}}[15m]))`, "{{instance}}, replaced"],
      ],
    },
    {
      title: "Dropped log lines and spans",
      description: "What is missing in the log and in the traces, a second. Metrics count every call.",
      unit: "reqps",
      queries: [
        [rate("frontrow_log_lines_dropped_total"), "log lines"],
        [rate("frontrow_traces_dropped_total"), "spans"],
      ],
    },
    {
      title: "Versions",
      description: "Instances by version. Two versions for longer than a roll-out: it is stuck.",
      unit: "short",
      queries: [[`count by (version, node) (frontrow_build_info{${target}})`, "Frontrow {{version}}, Node {{node}}"]],
      isStacked: true,
    },
  ],
};
