// Writes docs/commands.md, from what `--help` is made of, docs/kinds.md, from the CRDs, and docs/errors.md. Run it after a change of these:
// `node scripts/generate-reference.ts`; its test fails as long as nobody did.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '#cli/command-table.ts';
import { fieldErrorReasons } from '#controlplane/api/errors.ts';
import { flagRows } from '#cli/help.ts';
import { describeCommands } from '#cli/manual/described-command.ts';
import { definitions, root } from './generate-crds.ts';
import { errorRows } from './reference/error-rows.ts';
import { fieldRows } from './reference/field-rows.ts';

const NOTE = '<!-- generated: node scripts/generate-reference.ts -->';

/** Path below the project's root → content. */
export async function renderReference(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    [join('docs', 'commands.md'), await commandsPage()],
    [join('docs', 'kinds.md'), kindsPage()],
    [join('docs', 'errors.md'), errorsPage()],
  ]);
}

async function commandsPage(): Promise<string> {
  const commands = await describeCommands(COMMANDS);
  return [
    '# Commands',
    '',
    NOTE,
    '',
    'Each flag can also be an environment variable (`--data-dir` as `WINDLASS_DATA_DIR`) and a key of the file given with `--config`. A flag',
    'wins over the environment, the environment over the file, the file over the default. Exit codes, where nothing else is said: 0 done, 1 it',
    'could not be done, 2 wrong usage. `windlass COMMAND --help` and `windlass man COMMAND` say the same.',
    '',
    ...commands.flatMap(({ name, help, options }) => [
      `## ${name}`,
      '',
      `    windlass ${help.usage}`,
      '',
      escaped(`${help.summary}.`),
      '',
      ...(help.description === undefined ? [] : [...paragraph(help.description), '']),
      // The last two are those of all commands, which the beginning says.
      ...flagRows(options)
        .slice(0, -2)
        .map(([flag, text]) => `- \`${flag}\`: ${escaped(text)}`),
      ...(Object.keys(options).length === 0 ? [] : ['']),
    ]),
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function kindsPage(): string {
  return [
    '# Kinds',
    '',
    NOTE,
    '',
    'Every field of the kinds of `windlass.dev/v1alpha1`. `kubectl explain` says the same, and the server holds objects to it. What is inside of',
    'a Pod template is that of Kubernetes, and not repeated here.',
    '',
    ...definitions.flatMap(({ spec }) => {
      const { kind, plural, shortNames } = spec.names;
      const schema = spec.versions[0]?.schema.openAPIV3Schema;
      const rows = fieldRows(schema);
      return [
        `## ${kind}`,
        '',
        `\`${plural}.${spec.group}\`, for short ${shortNames.map((name) => `\`${name}\``).join(', ')}.`,
        '',
        ...rows.map(
          ({ path, type, text }) =>
            `- \`${path}\` (${type})${text === '' ? '' : `: ${escaped(text)}`}`,
        ),
        '',
      ];
    }),
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function errorsPage(): string {
  return [
    '# Errors',
    '',
    NOTE,
    '',
    'What the server answers when a request does not succeed, in the `Status` form and with the reasons of Kubernetes: programs decide on `code`',
    'and `reason`, people read `message`. Then what commands end with.',
    '',
    ...errorRows().flatMap(({ code, reason, message, advice }) => [
      `- **${code} ${reason}**: “${escaped(message)}”  `,
      `  ${advice}`,
    ]),
    '',
    '## Fields',
    '',
    `In \`details.causes\` of a 422 each wrong field has one of ${fieldErrorReasons.map((one) => `\`${one}\``).join(', ')}.`,
    '',
    '## Commands',
    '',
    'Exit code 0: done. 1: it could not be done, and the last lines say what stands in the way and what to do. 2: wrong usage, and the message names',
    'the flag or word. What else some commands say with others is on their pages: [backup](backup.md#looking-into-a-state),',
    '[secrets](secrets.md#changing-the-key). A server that does not start says why: [When a start is refused](persistence.md#when-a-start-is-refused);',
    'a machine that cannot join: [A machine that joins](machines.md#a-machine-that-joins).',
    '',
  ].join('\n');
}

function paragraph(text: string): readonly string[] {
  return text.split('\n').map((line) => `${escaped(line.trim())}  `.trimEnd());
}

/** Text that Markdown shows as it is. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|]/g, (sign) => `\\${sign}`);
}

if (import.meta.main)
  for (const [path, content] of await renderReference()) writeFileSync(join(root, path), content);
