/** The simple commands of a shell's text: without running it, which programs it calls with which words. */

export interface SimpleCommand {
  /** The variables that are set for it. */
  readonly variables: readonly string[];
  readonly words: readonly string[];
}

/** A word with its quotes, a comment, or what ends a command. */
const token = /(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'";|&#\\]|(?<=\S)#)+|#.*|&&|\|\||[;|\n]/g;
const keywords = new Set(["do", "done", "until", "while", "then", "fi", "if"]);
const assignment = /^(\w+)=/;

export function simpleCommandsOf(text: string): SimpleCommand[] {
  const oneLine = text.replaceAll("\\\n", " ").replaceAll(/\$\([^()]*\)/g, "SUBSTITUTED");
  const commands: string[][] = [[]];
  for (const [word] of oneLine.matchAll(token)) {
    if (word.startsWith("#")) continue;
    if (/^(&&|\|\||[;|\n])$/.test(word)) commands.push([]);
    else if (!keywords.has(word)) commands.at(-1)?.push(word.replaceAll(/["']/g, ""));
  }
  return commands
    .filter(([first]) => first !== undefined && first !== "for")
    .map((words) => {
      const from = words.findIndex((word) => !assignment.test(word));
      const variables = words.slice(0, from < 0 ? words.length : from);
      return { variables: variables.map((word) => word.replace(/=.*$/s, "")), words: words.slice(variables.length) };
    })
    .filter(({ words }) => words.length > 0);
}

/** The flags among the words, without their values: `--type=x` is `--type`, `-yes` is `-yes`. */
export function flagsOf(words: readonly string[]): string[] {
  return words.filter((word) => /^--?\w/.test(word)).map((word) => word.replace(/=.*$/s, ""));
}
