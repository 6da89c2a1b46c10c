import { type EmittedFile, generatedNotice, type MetadataKind, type Reason, wrap } from "./reasons.ts";

const types: Readonly<Record<MetadataKind, string>> = { integer: "int", instant: "datetime", text: "str" };

/**
 * One module with all error classes, and a table of them by reason. The module `_error` beside it has FrontrowError, whose
 * constructor takes an ErrorDetails, and a function for each kind of metadata, which raises MalformedMetadata.
 */
export function emitPythonErrors(reasons: readonly Reason[]): EmittedFile[] {
  const helpers = [...new Set(reasons.flatMap(({ metadata }) => metadata.map(({ kind }) => `${kind}_of`)))].sort();
  const text = [
    `# ${generatedNotice}`,
    '"""The errors of the service, one class for each reason."""',
    "",
    "from datetime import datetime",
    "",
    `from ._error import ErrorDetails, FrontrowError, ${helpers.join(", ")}`,
    "",
    "__all__ = [",
    ...reasons.map(({ typeName }) => `    "${typeName}",`),
    "]",
    ...reasons.map(emitClass),
    "",
    "",
    "#: The error classes by their reasons.",
    "ERRORS_BY_REASON: dict[str, type[FrontrowError]] = {",
    ...reasons.map(({ name, typeName }) => `    "${name}": ${typeName},`),
    "}",
    "",
  ].join("\n");
  return [{ path: "src/frontrow/_errors_gen.py", text }];
}

function emitClass({ typeName, comment, metadata }: Reason): string {
  const fields = metadata.map(({ key, kind }) => `    ${key}: ${types[kind]}`);
  const values = metadata.map(({ key, kind }) => `        self.${key} = ${kind}_of(details, "${key}")`);
  const constructorLines = [
    ...["", ...fields, "", "    def __init__(self, details: ErrorDetails) -> None:"],
    ...["        super().__init__(details)", ...values],
  ];
  return [
    ...["", "", `class ${typeName}(FrontrowError):`, ...docString(comment)],
    ...(metadata.length > 0 ? constructorLines : []),
  ].join("\n");
}

function docString(comment: string): string[] {
  const oneLine = `    """${comment}"""`;
  if (oneLine.length <= 100) return [oneLine];
  const [first = "", ...others] = wrap(comment, "    ", 97);
  return [`    """${first.trimStart()}`, ...others, '    """'];
}
