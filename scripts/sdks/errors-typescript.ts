import { camelCase, type EmittedFile, generatedNotice, type MetadataKind, type Reason, wrap } from "./reasons.ts";

const types: Readonly<Record<MetadataKind, string>> = { integer: "number", instant: "Date", text: "string" };

/** One file with all error classes, and one with a table of them by reason, which the package does not export. */
export function emitTypeScriptErrors(reasons: readonly Reason[]): EmittedFile[] {
  const helpers = [...new Set(reasons.flatMap(({ metadata }) => metadata.map(({ kind }) => `${kind}Of`)))].sort();
  const classes = [
    `// ${generatedNotice}`,
    `import { type ErrorDetails, FrontrowError, ${helpers.join(", ")} } from "../error.ts";`,
    ...reasons.map(emitClass),
    "",
  ];
  const table = [
    `// ${generatedNotice}`,
    'import type { ErrorDetails, FrontrowError } from "../error.ts";',
    'import * as errors from "./errors.ts";',
    "",
    "/** The error classes by their reasons. */",
    "export const errorsByReason: Readonly<Record<string, new (details: ErrorDetails) => FrontrowError>> = {",
    ...reasons.map(({ name, typeName }) => `  ${name}: errors.${typeName},`),
    "};",
    "",
  ];
  return [
    { path: "src/gen/errors.ts", text: classes.join("\n") },
    { path: "src/gen/errors-by-reason.ts", text: table.join("\n") },
  ];
}

function emitClass({ typeName, comment, metadata }: Reason): string {
  const fields = metadata.map(({ key, kind }) => `  readonly ${camelCase(key)}: ${types[kind]};`);
  const values = metadata.map(({ key, kind }) => `    this.${camelCase(key)} = ${kind}Of(details, "${key}");`);
  const constructorLines = ["", "  constructor(details: ErrorDetails) {", "    super(details);", ...values, "  }"];
  return [
    "",
    ...docComment(comment),
    `export class ${typeName} extends FrontrowError {`,
    `  override readonly name = "${typeName}";`,
    ...fields,
    ...(metadata.length > 0 ? constructorLines : []),
    "}",
  ].join("\n");
}

function docComment(comment: string): string[] {
  const oneLine = `/** ${comment} */`;
  return oneLine.length <= 100 ? [oneLine] : ["/**", ...wrap(comment, " * "), " */"];
}
