// Flags as programs in Go take them: `--name=value`, `--name value`, `--name` for true, one dash or two.

export interface GoFlag {
  readonly placeholder: string;
  readonly help: string;
}

export type GoFlags<T extends string> = Readonly<Record<T, GoFlag>>;

export interface ParsedGoFlags<T extends string> {
  readonly values: Partial<Readonly<Record<T, string>>>;
  /** Flags that the table does not have, without values: these may be secret. */
  readonly unknown: readonly string[];
  readonly help: boolean;
}

/** The last value of a flag counts. A flag that is not known has no value behind a space: it is taken for a switch. */
export function parseGoFlags<T extends string>(
  table: GoFlags<T>,
  argv: readonly string[],
): ParsedGoFlags<T> {
  const values: Partial<Record<T, string>> = {};
  const unknown: string[] = [];
  let help = false;
  for (let index = 0; index < argv.length; index += 1) {
    const [, name, given] = /^--?([a-zA-Z][^=]*)(?:=([\s\S]*))?$/.exec(argv[index] ?? '') ?? [];
    if (name === undefined) continue;
    if (name === 'help' || name === 'h') help = true;
    else if (!isKnown(table, name)) unknown.push(name);
    else if (given !== undefined) values[name] = given;
    else {
      index += 1;
      values[name] = argv[index] ?? '';
    }
  }
  return { values, unknown, help };
}

function isKnown<T extends string>(table: GoFlags<T>, name: string): name is T {
  return Object.hasOwn(table, name);
}

/** Lines of `--name PLACEHOLDER  help`; envtest looks for names of flags in this text. */
export function goFlagsHelp(usage: string, table: GoFlags<string>): string {
  const rows = Object.entries(table).map(([name, { placeholder, help }]) => [
    `      --${name} ${placeholder}`,
    help,
  ]);
  const width = Math.max(...rows.map(([left = '']) => left.length));
  const lines = rows.map(([left = '', right]) => `${left.padEnd(width)}   ${right}`);
  return [usage, '', 'Flags:', ...lines, ''].join('\n');
}
