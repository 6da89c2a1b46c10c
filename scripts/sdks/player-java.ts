import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { java, run } from "../toolchains.ts";
import { folderOf, type SdkPlayer } from "./player.ts";

const folder = folderOf("java");
const target = join(folder, "target");
const library = join(target, "lib");
/** The package, and what Maven fetches for its users. */
const classPath = `${join(target, "frontrow-client.jar")}:${library}/*`;

/** Compiles without warnings, runs the tests of rare answers, and packs the jar. */
async function build(...flags: string[]): Promise<void> {
  // A library of another version would stay beside the new one.
  await rm(library, { recursive: true, force: true });
  const goals = ["package", "dependency:copy-dependencies"];
  const always = ["--batch-mode", "--quiet", `-DoutputDirectory=${library}`, "-DincludeScope=runtime"];
  await run("mvn", [...always, ...flags, ...goals], { cwd: folder });
}

/** The example is compiled as a user's program is. */
async function writeExample(
  code: string,
  pieces: readonly string[],
  exampleFolder: string,
): Promise<readonly string[]> {
  await writeFile(join(exampleFolder, "Example.java"), code);
  await writeFile(join(exampleFolder, "Pieces.java"), classOf(pieces));
  const flags = ["-Xlint:all", "-Werror", "-cp", classPath];
  await run("javac", [...flags, "Example.java", "Pieces.java"], { cwd: exampleFolder });
  return ["java", "-cp", `${classPath}:.`, "Example"];
}

/** Each piece makes a client. */
function classOf(pieces: readonly string[]): string {
  const methods = pieces.map(
    (piece, index) => `static FrontrowClient piece${index + 1}() {\n${piece}return client;\n}\n`,
  );
  const imports = ["com.frontrow.*", "com.frontrow.v1.*", "java.time.*"].map((name) => `import ${name};\n`);
  const fetchToken = 'static String fetchToken() { return ""; }\n';
  return [...imports, "abstract class Pieces {\n", fetchToken, ...methods, "}\n"].join("");
}

export const javaPlayer: SdkPlayer = {
  name: "java",
  toolchain: java,
  clients: ["Java"],
  example: "java sdk example",
  piece: "java sdk piece",
  fetch: () => build("-DskipTests"),
  build,
  play: () => ["java", "-cp", `${classPath}:${join(target, "test-classes")}`, "com.frontrow.scenarios.Player"],
  writeExample,
};
