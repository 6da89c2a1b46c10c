/** Scrapes /metrics as Prometheus does, only more often, while a load runs. */

const intervalMs = 1_000;

/** Scrapes once a second until the result is called, which rejects if a scrape has failed. */
export function startScraper(port: number): () => Promise<void> {
  let failure: unknown;
  let scrapes = Promise.resolve();
  const scrape = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    if (!response.ok) throw new Error(`a scrape was answered with ${response.status}`);
    await response.arrayBuffer();
  };
  const timer = setInterval(() => {
    scrapes = scrapes.then(scrape).catch((error) => {
      failure ??= error;
    });
  }, intervalMs);
  return async () => {
    clearInterval(timer);
    await scrapes;
    if (failure !== undefined) throw failure;
  };
}
