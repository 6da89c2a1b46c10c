/** A proxy between a client and PostgreSQL that fails as networks do, at chosen moments. */
import type { Socket } from "node:net";
import { startTcpProxy } from "../network/tcp-proxy.ts";

/**
 * What happens to a COMMIT.
 * - `undelivered`: the connection is cut before PostgreSQL receives it, so it rolls back.
 * - `answer lost`: PostgreSQL has committed and answered. The connection is cut before the client receives the answer.
 * - `client cut`: the client's side is cut as soon as PostgreSQL has the COMMIT, however long it then takes.
 * - `answer held`: PostgreSQL has committed and answered. The answer waits for `releaseAnswers`.
 */
export type CommitFault = "undelivered" | "answer lost" | "client cut" | "answer held";

export interface PostgresProxy {
  readonly port: number;
  /** The URL of a database with this proxy in between. */
  url(databaseUrl: string): string;
  /** New connections go to the server of this URL, as after a restart on another port. */
  moveTo(databaseUrl: string): void;
  /** COMMITs seen so far. */
  readonly commits: number;
  /** Connections refused so far. */
  readonly refusals: number;
  /** Connections open at this moment. */
  readonly connections: number;
  /**
   * The next COMMIT meets this fault. `then` runs in the same instant, before a client can react. Several calls are for
   * several COMMITs. Resolves when it has happened.
   */
  failNextCommit(fault: CommitFault, then?: () => void): Promise<void>;
  /** Cuts every connection. */
  cut(): void;
  /** Cuts every connection and refuses new ones until `accept`. */
  refuse(): void;
  accept(): void;
  /** Keeps PostgreSQL's answers back, also on new connections, and closes nothing: a network that hangs. */
  holdAnswers(): void;
  /** Passes on what was kept back and all that follows. */
  releaseAnswers(): void;
  close(): Promise<void>;
}

interface PendingFault {
  readonly fault: CommitFault;
  readonly happened: () => void;
}

/** Starts a proxy before the server that a database URL names. The connection must not use TLS. */
export async function startPostgresProxy(databaseUrl: string): Promise<PostgresProxy> {
  const upstreams = new Set<Socket>();
  const faults: PendingFault[] = [];
  let refusing = false;
  let holding = false;
  let commits = 0;
  let refusals = 0;

  const proxy = await startTcpProxy(databaseUrl, {
    accepts() {
      if (refusing) refusals++;
      return !refusing;
    },
    join(client, upstream) {
      upstreams.add(upstream);
      upstream.on("close", () => upstreams.delete(upstream));
      if (holding) upstream.pause();
      joinWithFaults(client, upstream, () => {
        commits++;
        return faults.shift();
      });
    },
  });
  return {
    port: proxy.port,
    url(url) {
      const proxied = new URL(url);
      proxied.hostname = "127.0.0.1";
      proxied.port = String(proxy.port);
      proxied.searchParams.set("sslmode", "disable");
      return proxied.href;
    },
    moveTo: proxy.moveTo,
    get commits() {
      return commits;
    },
    get refusals() {
      return refusals;
    },
    get connections() {
      return upstreams.size;
    },
    failNextCommit: (fault, then = () => {}) =>
      new Promise((resolve) => {
        const happened = () => {
          then();
          resolve();
        };
        faults.push({ fault, happened });
      }),
    cut: proxy.cut,
    refuse() {
      refusing = true;
      proxy.cut();
    },
    accept() {
      refusing = false;
    },
    holdAnswers() {
      holding = true;
      for (const upstream of upstreams) upstream.pause();
    },
    releaseAnswers() {
      holding = false;
      for (const upstream of upstreams) upstream.resume();
    },
    close: proxy.close,
  };
}

/** Passes on what each side sends, but for COMMITs that meet a fault. `takeFault` is called at each COMMIT. */
function joinWithFaults(client: Socket, upstream: Socket, takeFault: () => PendingFault | undefined): void {
  const cut = () => {
    client.destroy();
    upstream.destroy();
  };
  /** Takes PostgreSQL's next answer in place of the client. */
  let intercept: ((chunk: Buffer) => void) | undefined;
  let isClientCut = false;
  client.on("close", () => isClientCut || cut());
  upstream.on("close", cut);
  upstream.on("data", (chunk: Buffer) => (intercept ? intercept(chunk) : client.write(chunk)));

  const meet = ({ fault, happened }: PendingFault, commit: Buffer) => {
    if (fault !== "undelivered") upstream.write(commit);
    switch (fault) {
      case "undelivered":
        cut();
        return happened();
      case "client cut":
        isClientCut = true;
        intercept = untilCommitted(cut);
        client.destroy();
        return happened();
      case "answer lost":
        intercept = untilCommitted(() => {
          cut();
          happened();
        });
        return;
      case "answer held":
        intercept = untilCommitted((answers) => {
          intercept = undefined;
          upstream.pause();
          upstream.unshift(answers);
          happened();
        });
    }
  };
  const read = createMessageReader((message, isCommit) => {
    const pending = isCommit ? takeFault() : undefined;
    if (pending) meet(pending, message);
    else upstream.write(message);
  });
  client.on("data", read);
}

/**
 * Collects answers until the tag of COMMIT is among them: the statements before it in the flight may be answered earlier,
 * and a server whose connection is cut then need not read the COMMIT.
 */
function untilCommitted(finish: (answers: Buffer) => void): (chunk: Buffer) => void {
  let answers: Buffer = Buffer.alloc(0);
  return (chunk) => {
    answers = Buffer.concat([answers, chunk]);
    if (/(?:COMMIT|ROLLBACK)\0/.test(answers.toString("latin1"))) finish(answers);
  };
}

/**
 * Cuts what a client sends into the messages of PostgreSQL's protocol and finds COMMITs: a simple query ("Q"), or the
 * execution ("E") of a prepared one ("P" parses it, "B" binds it). The COMMIT of a read-only transaction does not count,
 * since it stores nothing.
 */
function createMessageReader(deliver: (message: Buffer, isCommit: boolean) => void): (chunk: Buffer) => void {
  /** The first message of a connection has no type. */
  let hasStarted = false;
  let buffered: Buffer = Buffer.alloc(0);
  const commitStatements = new Set<string>();
  let boundStatement = "";
  let isReadOnly = false;

  function isCommit(message: Buffer): boolean {
    const type = String.fromCharCode(message[0] ?? 0);
    const [first = "", second = ""] = message.toString("utf8", 5).split("\0");
    if (type === "P") {
      if (isCommitText(second)) commitStatements.add(first);
      else commitStatements.delete(first);
    }
    if (type === "B") boundStatement = second;
    if (type === "Q" && isBeginText(first)) isReadOnly = /^[^;]*\bread only\b/i.test(first);
    const isEnd = (type === "Q" && isCommitText(first)) || (type === "E" && commitStatements.has(boundStatement));
    return isEnd && !isReadOnly;
  }

  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (;;) {
      const typeBytes = hasStarted ? 1 : 0;
      if (buffered.length < typeBytes + 4) return;
      const length = typeBytes + buffered.readUInt32BE(typeBytes);
      if (buffered.length < length) return;
      const message = buffered.subarray(0, length);
      buffered = buffered.subarray(length);
      deliver(message, hasStarted && isCommit(message));
      hasStarted = true;
    }
  };
}

function isBeginText(text: string): boolean {
  return /^\s*(begin|start transaction)\b/i.test(text);
}

function isCommitText(text: string): boolean {
  return /^\s*(commit|end)\b/i.test(text);
}
