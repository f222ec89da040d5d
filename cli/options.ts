// Options of a command as data: one table gives parsing, checking, precedence and the help text.
// A value comes from the flag, else the WINDLASS_… environment variable, else the --config file, else the default.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { yaml } from '#platform/yaml.ts';
import { closest } from './closest.ts';
import { UsageError } from './usage-error.ts';

interface OptionBase {
  /** One line for --help. */
  readonly help: string;
  /** One letter: `f` for `-f`. */
  readonly short?: string;
}
/** `choices` closes the set of values of a string; `list` may be given several times. */
export type Option =
  | (OptionBase & { readonly type: 'boolean'; readonly default?: boolean })
  | (OptionBase & {
      readonly type: 'integer';
      readonly placeholder: string;
      readonly minimum: number;
      readonly maximum: number;
      readonly default?: number;
    })
  | (OptionBase & {
      readonly type: 'string';
      readonly placeholder: string;
      readonly default?: string;
    })
  | (OptionBase & {
      readonly type: 'choice';
      readonly choices: readonly string[];
      readonly default: string;
    })
  | (OptionBase & { readonly type: 'list'; readonly placeholder: string });

/** Flag name without the dashes → option. */
export type OptionTable = Readonly<Record<string, Option>>;

type OptionValue<O extends Option> = O extends { type: 'boolean' }
  ? boolean
  : O extends { type: 'integer' }
    ? O extends { default: number }
      ? number
      : number | undefined
    : O extends { type: 'choice'; choices: readonly (infer C)[] }
      ? C
      : O extends { type: 'list' }
        ? readonly string[]
        : O extends { default: string }
          ? string
          : string | undefined;

export type OptionValues<T extends OptionTable> = { readonly [K in keyof T]: OptionValue<T[K]> };

export interface ParsedOptions<T extends OptionTable> {
  readonly values: OptionValues<T>;
  readonly positionals: readonly string[];
  readonly help: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `data-dir` → `WINDLASS_DATA_DIR`. */
export function environmentName(flag: string): string {
  return `WINDLASS_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Reads a command line against its table.
 *
 * @throws UsageError that names the flag, variable or key, what was found and what is allowed
 */
export function parseOptions<const T extends OptionTable>(
  table: T,
  argv: readonly string[],
  environment: Environment,
): ParsedOptions<T> {
  const { flags, positionals, help, configFile } = readFlags(table, argv);
  // Whoever asks for help gets it, whatever the configuration file holds.
  const path = help ? undefined : (configFile ?? environment[environmentName('config')]);
  const file = path === undefined || path === '' ? {} : readConfigFile(table, path);
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const variable = environmentName(name);
    const fromEnvironment = environment[variable];
    const given = flags.get(name);
    if (given !== undefined) values[name] = convert(option, given, `--${name}`);
    else if (fromEnvironment !== undefined && fromEnvironment !== '')
      values[name] = convert(option, splitList(option, fromEnvironment), variable);
    else if (Object.hasOwn(file, name))
      values[name] = convert(option, file[name] ?? [], `${path}: ${name}`);
    else values[name] = defaultOf(option);
  }
  return { values: Object.freeze(values) as OptionValues<T>, positionals, help };
}

function defaultOf(option: Option): unknown {
  if (option.type === 'boolean') return option.default ?? false;
  if (option.type === 'list') return [];
  return option.default;
}

function splitList(option: Option, text: string): readonly string[] {
  return option.type === 'list' ? text.split(',').map((item) => item.trim()) : [text];
}

interface Flags {
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
  readonly help: boolean;
  readonly configFile: string | undefined;
}

function readFlags(table: OptionTable, argv: readonly string[]): Flags {
  const config: Record<string, { type: 'string' | 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    config: { type: 'string' },
  };
  for (const [name, option] of Object.entries(table))
    config[name] = {
      type: option.type === 'boolean' ? 'boolean' : 'string',
      ...(option.short === undefined ? {} : { short: option.short }),
    };
  const { tokens } = parseArgs({ args: [...argv], options: config, strict: false, tokens: true });
  const flags = new Map<string, string[]>();
  const positionals: string[] = [];
  let help = false;
  let configFile: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    if (!Object.hasOwn(config, token.name)) throw unknownFlag(token.rawName, Object.keys(config));
    const value = flagValue(token, config[token.name]?.type === 'boolean');
    if (token.name === 'help') help = true;
    else if (token.name === 'config') configFile = value;
    else if (table[token.name]?.type === 'list')
      flags.set(token.name, [...(flags.get(token.name) ?? []), value]);
    else flags.set(token.name, [value]);
  }
  return { flags, positionals, help, configFile };
}

function flagValue(
  token: {
    readonly rawName: string;
    readonly value: string | undefined;
    readonly inlineValue: boolean | undefined;
  },
  isBoolean: boolean,
): string {
  if (isBoolean) return token.value ?? 'true';
  if (token.value === undefined || token.value === '')
    throw new UsageError(`${token.rawName} needs a value and none was given`);
  if (token.inlineValue !== true && token.value.startsWith('-') && token.value !== '-')
    throw new UsageError(
      `${token.rawName} needs a value and the next word is ${token.value}; write ${token.rawName}=${token.value} if that is the value`,
    );
  return token.value;
}

function unknownFlag(found: string, known: readonly string[]): UsageError {
  const flags = known.map((name) => `--${name}`);
  const near = closest(found, flags);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new UsageError(
    `unknown flag ${found}${hint}${near === undefined ? `; allowed are ${flags.toSorted().join(', ')}` : ''}`,
  );
}

function readConfigFile(
  table: OptionTable,
  path: string,
): Readonly<Record<string, readonly string[]>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--config ${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  let document: unknown;
  try {
    document = yaml().parse(text) ?? {};
  } catch (error) {
    throw new UsageError(`--config ${path} is neither YAML nor JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new UsageError(`--config ${path} must hold a mapping of flag names to values`);
  const values: Record<string, readonly string[]> = {};
  for (const [key, value] of Object.entries(document)) {
    if (!Object.hasOwn(table, key)) {
      const near = closest(key, Object.keys(table));
      const hint = near === undefined ? Object.keys(table).toSorted().join(', ') : near;
      throw new UsageError(
        `${path}: unknown key ${JSON.stringify(key)}; ${near === undefined ? `allowed are ${hint}` : `did you mean ${hint}?`}`,
      );
    }
    values[key] = configValue(table[key]?.type === 'list', value, `${path}: ${key}`);
  }
  return values;
}

function configValue(isList: boolean, value: unknown, where: string): readonly string[] {
  const items: readonly unknown[] = isList && Array.isArray(value) ? value : [value];
  return items.map((item) => {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean')
      return String(item);
    throw new UsageError(
      `${where} must be ${isList ? 'a string or a list of strings' : 'one value'}, found ${JSON.stringify(item)}`,
    );
  });
}

/** @param where the flag, variable or key that the value came from, for the message */
function convert(option: Option, given: readonly string[], where: string): unknown {
  const last = given.at(-1) ?? '';
  switch (option.type) {
    case 'list':
      return given;
    case 'string':
      return last;
    case 'boolean':
      if (last === 'true' || last === 'false') return last === 'true';
      throw new UsageError(`${where} must be true or false, found ${JSON.stringify(last)}`);
    case 'choice':
      if (option.choices.includes(last)) return last;
      throw new UsageError(
        `${where} must be one of ${option.choices.join(', ')}, found ${JSON.stringify(last)}`,
      );
    case 'integer': {
      const number = /^-?\d{1,15}$/.test(last) ? Number(last) : Number.NaN;
      if (number >= option.minimum && number <= option.maximum) return number;
      throw new UsageError(
        `${where} must be a whole number from ${option.minimum} to ${option.maximum}, found ${JSON.stringify(last)}`,
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
