// What a local-dir host understands of a systemd unit: enough to run the program of a service. Unknown settings are passed over, as
// systemd passes over what it does not know.
import { HostCommandError } from '../host-errors.ts';

export interface UnitFile {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Paths as the host sees them; `-` before one that may be missing is kept. */
  readonly environmentFiles: readonly string[];
  readonly workingDirectory: string | undefined;
  readonly isOneShot: boolean;
  readonly remainAfterExit: boolean;
  readonly restart: 'no' | 'always' | 'on-failure';
  readonly restartSeconds: number;
  readonly stopSeconds: number;
}

/** @throws HostCommandError for a service without ExecStart */
export function parseUnit(unit: string, content: string): UnitFile {
  const settings = sectionOf(content, 'Service');
  const instance = /@([^@]*)\.[a-z]+$/.exec(unit)?.[1] ?? '';
  const expand = (text: string): string =>
    text.replace(/%([iIn%])/g, (_, letter: string) =>
      letter === '%' ? '%' : letter === 'n' ? unit : instance,
    );
  const all = (name: string): readonly string[] => (settings.get(name) ?? []).map(expand);
  const last = (name: string): string | undefined => all(name).at(-1);
  const [program, ...args] = words((last('ExecStart') ?? '').replace(/^[-@:+!]+/, ''));
  if (program === undefined)
    throw new HostCommandError(
      `unit ${unit}: [Service] has no ExecStart, so there is nothing to run`,
    );
  return {
    command: [program, ...args],
    environment: Object.fromEntries(
      all('Environment')
        .flatMap(words)
        .flatMap((pair) => {
          const at = pair.indexOf('=');
          return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)] as const] : [];
        }),
    ),
    environmentFiles: all('EnvironmentFile'),
    workingDirectory: last('WorkingDirectory'),
    isOneShot: last('Type') === 'oneshot',
    remainAfterExit: /^(yes|true|on|1)$/.test(last('RemainAfterExit') ?? ''),
    restart: restartOf(last('Restart')),
    restartSeconds: seconds(last('RestartSec'), 0.1),
    stopSeconds: seconds(last('TimeoutStopSec'), 10),
  };
}

/** Lines `NAME=value` of an environment file; comments and quotes around values are taken away. */
export function parseEnvironment(content: string): Readonly<Record<string, string>> {
  const pairs = content
    .split('\n')
    .map((line) => /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name = '', value = '']) => [name, value.trim().replace(/^(["'])(.*)\1$/, '$2')]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** `${NAME}` inside a word; a variable that is not there is empty, as for systemd. */
export function withVariables(
  word: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return word.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => environment[name] ?? '');
}

function sectionOf(content: string, wanted: string): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, string[]>();
  let section = '';
  for (const line of content.replaceAll(/\\\n/g, ' ').split('\n')) {
    const header = /^\[(.+)\]\s*$/.exec(line);
    if (header !== null) section = header[1] ?? '';
    const setting = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (header !== null || setting === null || section !== wanted) continue;
    const [, name = '', value = ''] = setting;
    // An empty value forgets those before.
    settings.set(name, value === '' ? [] : [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

/** Splits as systemd does: at blanks, with quotes around words or parts of them. */
function words(text: string): readonly string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g)) {
    found.push(
      match[0].replace(
        /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g,
        (_, double?: string, single?: string, escaped?: string) =>
          double?.replace(/\\(.)/g, '$1') ?? single ?? escaped ?? '',
      ),
    );
  }
  return found;
}

function restartOf(value: string | undefined): UnitFile['restart'] {
  if (value === 'always' || value === 'on-failure') return value;
  return value === undefined || value === 'no' || value === 'on-success' ? 'no' : 'on-failure';
}

/** `5`, `5s`, `500ms`, `2min`. */
function seconds(value: string | undefined, otherwise: number): number {
  const [, number = '', unit = 's'] = /^([\d.]+)\s*(ms|s|sec|m|min)?$/.exec(value ?? '') ?? [];
  const amount = Number.parseFloat(number);
  if (!Number.isFinite(amount)) return otherwise;
  return unit === 'ms' ? amount / 1000 : unit.startsWith('m') ? amount * 60 : amount;
}
