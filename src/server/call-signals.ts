/**
 * A function that gives each call a signal of its own, which aborts with the request's or when the service shuts down.
 * With one listener for all calls: an event target looks through those it has for each that is added, so that a listener
 * a call makes thousands of calls at once slow down one another.
 */
export function createCallSignals(shutdown: AbortSignal): (request: AbortSignal) => AbortSignal {
  const underWay = new Set<AbortController>();
  shutdown.addEventListener("abort", () => {
    for (const controller of underWay) controller.abort(shutdown.reason);
  });
  return (request) => {
    const controller = new AbortController();
    underWay.add(controller);
    const end = () => {
      underWay.delete(controller);
      controller.abort(request.reason);
    };
    // A request's signal aborts in any case, when its answer is complete at the latest.
    request.addEventListener("abort", end, { once: true });
    if (request.aborted) end();
    if (shutdown.aborted) controller.abort(shutdown.reason);
    return controller.signal;
  };
}
