import { camelCase, type EmittedFile, generatedNotice, type MetadataKind, type Reason, wrap } from "./reasons.ts";

const types: Readonly<Record<MetadataKind, string>> = { integer: "int", instant: "Instant", text: "String" };
const folder = "src/main/java/com/frontrow";

/**
 * One class for each reason in com.frontrow.errors, and a table of them in com.frontrow. That package has, besides:
 * FrontrowException, whose constructor takes an ErrorDetails, and ErrorDetails with a method for each kind of metadata
 * (`details.integer("available")`), which throws MissingMetadata.
 */
export function emitJavaErrors(reasons: readonly Reason[]): EmittedFile[] {
  const classes = reasons.map((reason) => ({
    path: `${folder}/errors/${reason.typeName}Exception.java`,
    text: emitClass(reason),
  }));
  return [...classes, { path: `${folder}/ErrorsByReason.java`, text: emitTable(reasons) }];
}

function emitClass({ typeName, comment, metadata }: Reason): string {
  const name = `${typeName}Exception`;
  const hasInstant = metadata.some(({ kind }) => kind === "instant");
  const imports = [
    "com.frontrow.ErrorDetails",
    "com.frontrow.FrontrowException",
    ...(hasInstant ? ["java.time.Instant"] : []),
  ];
  const fields = metadata.map(({ key, kind }) => `  private final ${types[kind]} ${camelCase(key)};`);
  const values = metadata.map(({ key, kind }) => `    ${camelCase(key)} = details.${kind}("${key}");`);
  const getters = metadata.flatMap(({ key, kind }) => [
    "",
    `  /** Returns the metadata {@code ${key}}. */`,
    `  public ${types[kind]} ${camelCase(key)}() {`,
    `    return ${camelCase(key)};`,
    "  }",
  ]);
  return [
    `// ${generatedNotice}`,
    "package com.frontrow.errors;",
    "",
    ...imports.map((each) => `import ${each};`),
    "",
    ...["/**", ...wrap(htmlOf(comment), " * "), " */"],
    `public final class ${name} extends FrontrowException {`,
    "  private static final long serialVersionUID = 1L;",
    ...(fields.length > 0 ? ["", ...fields] : []),
    "",
    "  /** Makes the error of a failed call. */",
    `  public ${name}(ErrorDetails details) {`,
    "    super(details);",
    ...values,
    "  }",
    ...getters,
    "}",
    "",
  ].join("\n");
}

/** Javadoc is HTML. */
function htmlOf(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function emitTable(reasons: readonly Reason[]): string {
  return [
    `// ${generatedNotice}`,
    "package com.frontrow;",
    "",
    ...reasons.map(({ typeName }) => `import com.frontrow.errors.${typeName}Exception;`).sort(),
    "import java.util.Map;",
    "import java.util.function.Function;",
    "",
    "/** The errors of the reasons that this version knows. */",
    "final class ErrorsByReason {",
    "  private ErrorsByReason() {}",
    "",
    "  /** What makes the error of a reason. */",
    "  static final Map<String, Function<ErrorDetails, FrontrowException>> MAKERS =",
    "      Map.ofEntries(",
    `${reasons.map(({ name, typeName }) => `          Map.entry("${name}", ${typeName}Exception::new)`).join(",\n")});`,
    "}",
    "",
  ].join("\n");
}
