/** A TCP proxy before PostgreSQL that can do what networks do, at the moments that matter. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What happens to a COMMIT.
 * - `undelivered`: the connection is cut and PostgreSQL never hears of it, so it rolls back.
 * - `answer lost`: PostgreSQL has committed and answered; the connection is cut before the client hears it.
 * - `client cut`: the client's side is cut as soon as PostgreSQL has the COMMIT, however long it then takes.
 * - `answer held`: PostgreSQL has committed and answered; the answer waits for `releaseAnswers`.
 */
export type CommitFault = "undelivered" | "answer lost" | "client cut" | "answer held";

export interface TcpProxy {
  readonly port: number;
  /** The URL of a database with this proxy in between. */
  url(databaseUrl: string): string;
  /** New connections go to the server of this URL: the database has come back elsewhere. */
  moveTo(databaseUrl: string): void;
  /** COMMITs seen so far. */
  readonly commits: number;
  /** Connections refused so far. */
  readonly refusals: number;
  /** Connections open at this moment. */
  readonly connections: number;
  /**
   * The next COMMIT meets this fault; `then` runs in the same instant, before a client can react. Several calls are for
   * several COMMITs. Resolves when it has happened.
   */
  failNextCommit(fault: CommitFault, then?: () => void): Promise<void>;
  /** Cuts every connection. */
  cut(): void;
  /** Cuts every connection and refuses new ones until `accept`. */
  refuse(): void;
  accept(): void;
  /** From now on PostgreSQL's answers are kept back and nothing is closed: a network that hangs. New connections too. */
  holdAnswers(): void;
  /** Passes on what was kept back, and all that follows. */
  releaseAnswers(): void;
  close(): Promise<void>;
}

interface PendingFault {
  readonly fault: CommitFault;
  readonly happened: () => void;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** Starts a proxy before the server that a database URL names. The connection must not use TLS. */
export async function startTcpProxy(databaseUrl: string): Promise<TcpProxy> {
  let target = new URL(databaseUrl);
  const links = new Set<Link>();
  const faults: PendingFault[] = [];
  let refusing = false;
  let holding = false;
  let commits = 0;
  let refusals = 0;

  const server = createServer({ noDelay: true }, (client) => {
    client.on("error", () => {});
    // Not by closing the server: another process might get the port meanwhile.
    if (refusing) {
      refusals++;
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: target.hostname, port: Number(target.port || 5432), noDelay: true });
    upstream.on("error", () => {});
    const link: Link = { client, upstream };
    links.add(link);
    const cutLink = () => {
      client.destroy();
      upstream.destroy();
      links.delete(link);
    };
    /** What happens to PostgreSQL's next answer instead of being passed on. */
    let intercept: ((chunk: Buffer) => void) | undefined;
    let isClientCut = false;
    client.on("close", () => isClientCut || cutLink());
    upstream.on("close", cutLink);
    upstream.on("data", (chunk: Buffer) => (intercept ? intercept(chunk) : client.write(chunk)));
    if (holding) upstream.pause();

    const meet = ({ fault, happened }: PendingFault, commit: Buffer) => {
      if (fault !== "undelivered") upstream.write(commit);
      switch (fault) {
        case "undelivered":
          cutLink();
          return happened();
        case "client cut":
          isClientCut = true;
          intercept = cutLink;
          client.destroy();
          return happened();
        case "answer lost":
          intercept = () => {
            cutLink();
            happened();
          };
          return;
        case "answer held":
          intercept = (chunk) => {
            intercept = undefined;
            upstream.pause();
            upstream.unshift(chunk);
            happened();
          };
      }
    };
    const read = createMessageReader((message, isCommit) => {
      if (isCommit) commits++;
      const pending = isCommit ? faults.shift() : undefined;
      if (pending) meet(pending, message);
      else upstream.write(message);
    });
    client.on("data", read);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const cut = () => {
    for (const { client, upstream } of links) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };
  return {
    port,
    url(url) {
      const proxied = new URL(url);
      proxied.hostname = "127.0.0.1";
      proxied.port = String(port);
      proxied.searchParams.set("sslmode", "disable");
      return proxied.href;
    },
    moveTo(url) {
      target = new URL(url);
    },
    get commits() {
      return commits;
    },
    get refusals() {
      return refusals;
    },
    get connections() {
      return links.size;
    },
    failNextCommit: (fault, then = () => {}) =>
      new Promise((resolve) => {
        const happened = () => {
          then();
          resolve();
        };
        faults.push({ fault, happened });
      }),
    cut,
    refuse() {
      refusing = true;
      cut();
    },
    accept() {
      refusing = false;
    },
    holdAnswers() {
      holding = true;
      for (const { upstream } of links) upstream.pause();
    },
    releaseAnswers() {
      holding = false;
      for (const { upstream } of links) upstream.resume();
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

/**
 * Cuts what a client sends into the messages of PostgreSQL's protocol and tells which of them is a COMMIT: a simple query
 * ("Q"), or the execution ("E") of a prepared one ("P" parses it, "B" binds it). Those of read-only transactions are none:
 * they decide nothing.
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
    if (type === "Q" && /^\s*begin\b/i.test(first)) isReadOnly = /^[^;]*\bread only\b/i.test(first);
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

function isCommitText(text: string): boolean {
  return /^\s*(commit|end)\b/i.test(text);
}
