// Manual pages, from what `--help` is made of. The text is roff with the man macros. Pure.
import { flagRows } from '../help.ts';
import { environmentName } from '../options.ts';
import type { DescribedCommand } from './described-command.ts';

export interface ManPage {
  /** `windlass-node-join.1` */
  readonly file: string;
  readonly text: string;
}

/** The page of the program, which lists the commands, and one of each command. */
export function manPages(
  commands: readonly DescribedCommand[],
  version: string,
): readonly ManPage[] {
  const names = commands.map(({ name }) => name);
  return [
    programPage(commands, version),
    ...commands.map((command) => commandPage(command, siblingsOf(command.name, names), version)),
  ];
}

function programPage(commands: readonly DescribedCommand[], version: string): ManPage {
  return page('windlass', 'a Kubernetes-style control plane in one process', version, [
    '.SH SYNOPSIS',
    String.raw`.B windlass`,
    String.raw`.I COMMAND`,
    '[FLAGS]',
    '.SH DESCRIPTION',
    roff(
      'API server, controllers and node agents that haul services, machines and clusters to what was described, with rolling operations. kubectl and every other client of Kubernetes speaks to it.',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(({ name, help }) => tagged(name, help.summary)),
    '.SH SEE ALSO',
    commands.map(({ name }) => reference(name)).join(',\n'),
  ]);
}

function commandPage(
  { name, help, options }: DescribedCommand,
  siblings: readonly string[],
  version: string,
): ManPage {
  const example = Object.keys(options)[0] ?? 'config';
  return page(`windlass-${name.replaceAll(' ', '-')}`, help.summary, version, [
    '.SH SYNOPSIS',
    `.B windlass ${roff(help.usage)}`,
    '[FLAGS]',
    ...(help.description === undefined
      ? []
      : [
          '.SH DESCRIPTION',
          ...help.description.split('\n').flatMap((line) => ['.PP', roff(line.trim())]),
        ]),
    '.SH OPTIONS',
    ...flagRows(options).flatMap(([flag, text]) => tagged(flag, text)),
    '.SH ENVIRONMENT',
    roff(
      `Each flag can also be an environment variable, --${example} as ${environmentName(example)}, and a key of the file given with --config. A flag wins over the environment, the environment over the file, the file over the default.`,
    ),
    '.SH EXIT STATUS',
    roff('0: done; 1: it could not be done; 2: wrong usage.'),
    '.SH SEE ALSO',
    ['.BR windlass (1)', ...siblings.map(reference)].join(',\n'),
  ]);
}

function page(name: string, summary: string, version: string, lines: readonly string[]): ManPage {
  const text = [
    `.TH ${name.toUpperCase().replaceAll('-', String.raw`\-`)} 1 "" "windlass ${version}" "Windlass"`,
    '.SH NAME',
    String.raw`${roff(name)} \- ${roff(summary)}`,
    ...lines,
    '',
  ].join('\n');
  return { file: `${name}.1`, text };
}

/** Commands of the same group: those of nodes, of machines. */
function siblingsOf(name: string, names: readonly string[]): readonly string[] {
  const group = `${name.split(' ')[0] ?? ''} `;
  return names.filter((one) => one !== name && one.startsWith(group));
}

function reference(name: string): string {
  return `.BR ${roff(`windlass-${name.replaceAll(' ', '-')}`)} (1)`;
}

function tagged(term: string, text: string): readonly string[] {
  return ['.TP', `.B ${roff(term)}`, roff(text)];
}

/** Text that roff shows as it is: a dot or a quote that begins a line would be a request, and its input is ASCII. */
function roff(text: string): string {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll(/[^\x20-\x7e]/gu, (sign) => {
      const code = (sign.codePointAt(0) ?? 0).toString(16).toUpperCase();
      return `\\[u${code.padStart(4, '0')}]`;
    })
    .replace(/^(?=[.'])/, String.raw`\&`);
}
