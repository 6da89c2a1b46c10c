/** Preloaded into a process by `node --import`, and so into its workers: the name of a platform other than Linux. */
Object.defineProperty(process, "platform", { value: "darwin" });
