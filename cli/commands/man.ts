// `windlass man [COMMAND…]`: manual pages, one on standard output or all into a folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closest } from '../closest.ts';
import { defineCommand } from '../command.ts';
import type { Command, CommandEntry } from '../command.ts';
import { describeCommands } from '../manual/described-command.ts';
import { manPages } from '../manual/man-page.ts';
import { manualHelp } from '../manual/manual-help.ts';
import type { ManPage } from '../manual/man-page.ts';
import { CommandError, UsageError } from '../usage-error.ts';
import { programVersion } from '../versions.ts';

/** @param commands all of them, this one too */
export function manOf(commands: ReadonlyMap<string, CommandEntry>): Command {
  return defineCommand({
    help: manualHelp.man,
    options: {
      'output-dir': {
        type: 'string',
        placeholder: 'FOLDER',
        help: 'Write all pages into this folder, which is made if it is missing',
      },
    },
    moreWords: true,
    async run(values, words, io) {
      const pages = manPages(await describeCommands(commands), programVersion());
      const folder = values['output-dir'];
      if (folder === undefined) {
        io.out(pageOf(pages, words, [...commands.keys()]).text);
        return 0;
      }
      if (words.length > 0)
        throw new UsageError(
          `--output-dir writes all pages, and ${JSON.stringify(words.join(' '))} names one; leave one of the two out`,
        );
      writePages(folder, pages);
      io.out(`${pages.length} pages in ${folder}\n`);
      return 0;
    },
  });
}

function pageOf(
  pages: readonly ManPage[],
  words: readonly string[],
  names: readonly string[],
): ManPage {
  const file = `${['windlass', ...words].join('-')}.1`;
  const found = pages.find((page) => page.file === file);
  if (found !== undefined) return found;
  const near = closest(words.join(' '), names);
  throw new UsageError(
    `there is no command ${JSON.stringify(words.join(' '))}${near === undefined ? '' : `; did you mean ${near}?`}`,
  );
}

function writePages(folder: string, pages: readonly ManPage[]): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const { file, text } of pages) writeFileSync(join(folder, file), text);
  } catch (error) {
    throw new CommandError(
      `--output-dir ${folder} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
