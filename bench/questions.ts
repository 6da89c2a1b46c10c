/** Questions and answers between the bench and its child processes. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { inspect } from "node:util";

/** A child process that answers one question at a time. */
export interface Child<Question, Answer> {
  /** Rejects with the child's error, or when the child ends. */
  ask(question: Question): Promise<Answer>;
  /** Undefined if the process could not be made. */
  readonly pid: number | undefined;
  /** Ends the child; resolves when it has exited. */
  stop(): Promise<void>;
}

type Reply = { readonly answer: unknown } | { readonly error: string };

const stopTimeoutMs = 10_000;

/** Starts a module of the bench as a process that has called `serveQuestions`; resolves when it is ready. */
export async function startChild<Question, Answer>(
  module: string,
  options: { readonly argv?: readonly string[]; readonly execArgv?: readonly string[] } = {},
): Promise<Child<Question, Answer>> {
  const child = fork(module, options.argv ?? [], {
    execArgv: [...(options.execArgv ?? [])],
    // Keeps typed arrays.
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await replyFrom(child);
  return {
    pid: child.pid,
    async ask(question) {
      child.send(question as object);
      return (await replyFrom(child)) as Answer;
    },
    stop: () => stop(child),
  };
}

async function replyFrom(child: ChildProcess): Promise<unknown> {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    const reply = await Promise.race([
      once(child, "message", { signal }).then(([message]) => message as Reply),
      once(child, "exit", { signal }).then(([code]): Reply => ({ error: `the process ended with status ${code}` })),
    ]);
    if ("error" in reply) throw new Error(reply.error);
    return reply.answer;
  } finally {
    waiting.abort();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  // The child ends by itself when its channel is disconnected.
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
}

/** In a child: answers the parent's questions until the parent disconnects, then runs `close` and ends the process. */
export function serveQuestions<Question>(
  answer: (question: Question) => Promise<unknown> | unknown,
  close: () => Promise<void> | void = () => {},
): void {
  const reply = (message: Reply) => process.connected && process.send?.(message);
  process.on("message", async (question: Question) => {
    try {
      reply({ answer: await answer(question) });
    } catch (error) {
      reply({ error: inspect(error) });
    }
  });
  process.once("disconnect", async () => {
    await close();
    process.exit();
  });
  // An interrupt goes to the whole process group, and the parent ends this process in order.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => {});
  reply({ answer: "ready" });
}
