/** Preloaded into a process by `node --import`, and so into its workers: SIGUSR2 throws an error that nothing handles. */
process.on("SIGUSR2", () => {
  throw new Error("thrown by the test");
});
