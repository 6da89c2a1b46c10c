/**
 * The API's description for people and tools: the OpenAPI document, which is generated from the schema, and a page that shows
 * it by Swagger UI. All files are read at the start, and none comes from another host.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Admit } from "../../rpc/admission.ts";
import { admitRequest } from "../admit-request.ts";
import { isNotModified } from "../conditional-requests.ts";
import { acceptsGzip, type Content, createContent, slicesOf } from "./content.ts";

interface ServedFile {
  readonly url: string;
  readonly type: string;
  readonly file: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const generated = join(import.meta.dirname, "..", "..", "..", "gen", "openapi");
const own = (name: string) => join(import.meta.dirname, name);
/** Not imported: its main file loads all of its bundles. */
const swaggerUi = (name: string) => fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`));

/** The page runs its own scripts only, and calls this service only. Swagger UI has its icons as data URLs. */
const pageHeaders = {
  "content-security-policy": [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
};

const files: readonly ServedFile[] = [
  { url: "/openapi.json", type: "application/json; charset=utf-8", file: join(generated, "openapi.json") },
  { url: "/openapi.yaml", type: "application/yaml", file: join(generated, "openapi.yaml") },
  { url: "/docs", type: "text/html; charset=utf-8", file: own("page.html"), headers: pageHeaders },
  { url: "/docs/page.js", type: "text/javascript; charset=utf-8", file: own("page.js") },
  ...["swagger-ui-bundle.js", "swagger-ui.css"].map((name) => ({
    url: `/docs/${name}`,
    type: name.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8",
    file: swaggerUi(name),
  })),
];

/** Adds the routes of the document and of its page. Rejects if a file is missing. `admit` counts the requests. */
export async function registerDocuments(fastify: FastifyInstance, admit: Admit | undefined): Promise<void> {
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
    if (admit) await admitRequest(request, reply, { admit, protocol: "rest" });
  };
  for (const { url, type, file, headers } of files) {
    const content = createContent(await readFile(file));
    // A cache asks each time, because another version of the service may answer.
    const fixed = { "cache-control": "public, no-cache", ...headers };
    fastify.get(url, { onRequest }, (request, reply) => answer(request, reply.headers(fixed), type, content));
  }
  // The page's links are relative, so that it also loads behind a proxy that adds a prefix.
  fastify.get("/docs/", { onRequest }, (_request, reply) => reply.redirect("../docs", 308));
}

async function answer(request: FastifyRequest, reply: FastifyReply, type: string, content: Content) {
  const { encoding, etag, read } = acceptsGzip(request.headers) ? content.gzip : content.plain;
  const vary = [reply.getHeader("vary") ?? [], "Accept-Encoding"].flat().join(", ");
  reply.headers({ etag, vary });
  if (isNotModified(request.headers, etag)) return reply.code(304).send();
  const bytes = await read();
  if (encoding !== undefined) reply.header("content-encoding", encoding);
  return reply
    .type(type)
    .header("content-length", bytes.length)
    .send(Readable.from(slicesOf(bytes)));
}
