/**
 * Fails when the schema breaks clients of the last release: of the last tag, or of the state before the last change of
 * proto/. A comparison with the current commit could never fail on the main branch. Fails as well when it breaks the client
 * of test/old-client, which is older.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { file_frontrow_v1_booking_service } from "../test/old-client/gen/frontrow/v1/booking_service_pb.ts";
import { file_frontrow_v1_concert_service } from "../test/old-client/gen/frontrow/v1/concert_service_pb.ts";

const projectRoot = join(import.meta.dirname, "..");

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: projectRoot, encoding: "utf8" });
  return status === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}

function findBase(): string | undefined {
  const tag = git("describe", "--tags", "--abbrev=0");
  if (tag) return tag;
  if (git("status", "--porcelain", "proto")) return "HEAD";
  const lastChange = git("rev-list", "-1", "--first-parent", "HEAD", "--", "proto");
  const before = lastChange && git("rev-parse", "--verify", "--quiet", `${lastChange}^`);
  // A commit without a schema has no clients.
  return before && git("ls-tree", before, "proto") ? before : undefined;
}

/** Whether the schema breaks nothing of the other one, a folder or an image. */
function isCompatible(other: string, title: string): boolean {
  const options = { cwd: projectRoot, stdio: "inherit" } as const;
  const { status } = spawnSync("buf", ["breaking", "proto", "--against", other], options);
  process.stdout.write(`breaking changes: ${status === 0 ? "none" : "found"}, compared with ${title}\n`);
  return status === 0;
}

/** The schema of a commit, with links to the other modules of buf.yaml, which are not in the archive. */
function extractSchema(commit: string, folder: string): string {
  const archive = execFileSync("git", ["archive", commit, "proto", "buf.yaml"], { cwd: projectRoot });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  for (const name of ["node_modules", ".proto"]) symlinkSync(join(projectRoot, name), join(folder, name));
  return join(folder, "proto");
}

/** The image of the old client's schema, which its generated code contains. */
function writeOldImage(folder: string): string {
  const files = new Set<DescFile>();
  const add = (file: DescFile) => {
    for (const imported of file.dependencies) add(imported);
    files.add(file);
  };
  for (const file of [file_frontrow_v1_booking_service, file_frontrow_v1_concert_service]) add(file);
  const image = create(FileDescriptorSetSchema, { file: [...files].map(({ proto }) => proto) });
  const path = join(folder, "old-client.binpb");
  writeFileSync(path, toBinary(FileDescriptorSetSchema, image));
  return path;
}

const folder = mkdtempSync(join(tmpdir(), "frontrow-schema-"));
try {
  const base = findBase();
  if (!base) process.stdout.write("breaking changes: skipped, there is no earlier schema to compare with\n");
  else if (!isCompatible(extractSchema(base, folder), base)) process.exitCode = 1;
  if (!isCompatible(writeOldImage(folder), "test/old-client")) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
