/** The metrics that the queries may read as long as the service has no /metrics, in Prometheus's text format. */
export const contract = `
# TYPE frontrow_calls_total counter
# TYPE frontrow_call_duration_seconds histogram
# TYPE frontrow_calls_in_flight gauge
frontrow_calls_in_flight 0
# TYPE frontrow_queue_depth gauge
# TYPE frontrow_queue_limit gauge
# TYPE frontrow_queue_wait_seconds histogram
# TYPE frontrow_queue_refusals_total counter
# TYPE frontrow_batch_requests histogram
# TYPE frontrow_batches_total counter
frontrow_batches_total{outcome="decided"} 0
frontrow_batches_total{outcome="failed"} 0
# TYPE frontrow_lock_wait_seconds histogram
# TYPE frontrow_lock_held_seconds histogram
# TYPE frontrow_commit_seconds histogram
# TYPE frontrow_bookings_total counter
frontrow_bookings_total{outcome="booked"} 0
frontrow_bookings_total{outcome="held"} 0
frontrow_bookings_total{outcome="confirmed"} 0
frontrow_bookings_total{outcome="released"} 0
frontrow_bookings_total{outcome="expired"} 0
frontrow_bookings_total{outcome="cancelled"} 0
frontrow_bookings_total{outcome="refused"} 0
# TYPE frontrow_sold_out_refusals_total counter
# TYPE frontrow_batch_retries_total counter
# TYPE frontrow_commits_in_doubt_total counter
# TYPE frontrow_commits_settled_total counter
frontrow_commits_settled_total{outcome="committed"} 0
frontrow_commits_settled_total{outcome="aborted"} 0
frontrow_commits_settled_total{outcome="unknown"} 0
# TYPE frontrow_live_holds gauge
# TYPE frontrow_overdue_holds gauge
# TYPE frontrow_database_connections gauge
frontrow_database_connections{pool="main",state="in_use"} 0
frontrow_database_connections{pool="aside",state="in_use"} 0
# TYPE frontrow_database_connections_limit gauge
frontrow_database_connections_limit{pool="main"} 10
# TYPE frontrow_database_connection_wait_seconds histogram
frontrow_database_connection_wait_seconds_bucket{pool="main",le="1"} 0
frontrow_database_connection_wait_seconds_bucket{pool="aside",le="1"} 0
# TYPE frontrow_database_connection_refusals_total counter
# TYPE frontrow_database_up gauge
# TYPE frontrow_embedded_database_up gauge
# TYPE frontrow_ready gauge
# TYPE frontrow_cache_lookups_total counter
frontrow_cache_lookups_total{result="hit"} 0
frontrow_cache_lookups_total{result="miss"} 0
# TYPE frontrow_rate_limited_total counter
# TYPE frontrow_concurrency_limited_total counter
# TYPE frontrow_shed_calls_total counter
# TYPE frontrow_redis_failures_total counter
# TYPE frontrow_token_keys_failures_total counter
# TYPE frontrow_streams_open gauge
# TYPE frontrow_connections_open gauge
# TYPE frontrow_connections_limit gauge
# TYPE frontrow_connections_refused_total counter
# TYPE frontrow_event_loop_delay_seconds gauge
# TYPE frontrow_inventory_mismatch gauge
# TYPE frontrow_inventory_last_pass_timestamp_seconds gauge
# TYPE frontrow_log_lines_dropped_total counter
# TYPE frontrow_traces_dropped_total counter
# TYPE frontrow_build_info gauge
# TYPE frontrow_workers gauge
frontrow_workers{state="running"} 1
# TYPE frontrow_worker_restarts_total counter
# TYPE process_cpu_seconds_total counter
# TYPE process_resident_memory_bytes gauge
# TYPE process_open_fds gauge
# TYPE process_max_fds gauge
# TYPE nodejs_heap_size_used_bytes gauge
# TYPE nodejs_gc_duration_seconds histogram
`;
