// `npm run cases -- --service-cases FILE`: plays the cases of a file and says what came of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '#test/support/windlass.ts';
import { playCase } from './play-case.ts';
import { readCases } from './service-case.ts';
import type { BrokenCase, ServiceCase } from './service-case.ts';

const USAGE = `Usage: npm run cases -- [--service-cases FILE]... [--verbose]

Plays cases of the service collection through the real parsers, planner and executor.

  --service-cases FILE  A file of cases; may be given again (default: those of the tests)
  --verbose             Also say which passed`;

class Refusal extends Error {}

function main(args: readonly string[]): Promise<number> | number {
  let options: Options;
  try {
    options = optionsOf(args);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.error(error.message);
    return 2;
  }
  return play(options);
}

interface Options {
  readonly cases: readonly (ServiceCase | BrokenCase)[];
  readonly isVerbose: boolean;
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parsed(args);
  const usual = [join(projectRoot, 'test', 'cases', 'service-cases.json')];
  const files = values['service-cases'] ?? usual;
  return { cases: files.flatMap(casesOf), isVerbose: values.verbose };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'service-cases': { type: 'string', multiple: true },
        verbose: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Refusal(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function casesOf(file: string): readonly (ServiceCase | BrokenCase)[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Refusal(`--service-cases ${file}: cannot be read: ${(error as Error).message}`);
  }
  try {
    return readCases(text);
  } catch (error) {
    throw new Refusal(`--service-cases ${file}: is no list of cases: ${(error as Error).message}`);
  }
}

async function play({ cases, isVerbose }: Options): Promise<number> {
  const counts = { passed: 0, 'by design': 0, failed: 0 };
  for (const one of cases) {
    const { result, detail } = await playCase(one);
    counts[result] += 1;
    const title = `${one.kind} ${one.id}: ${one.name}`;
    if (result === 'failed') console.log(`✖ ${title}\n    ${detail.replaceAll('\n', '\n    ')}`);
    else if (result === 'by design') console.log(`~ ${title} (${detail})`);
    else if (isVerbose) console.log(`✔ ${title}`);
  }
  if (counts['by design'] > 0) console.log(`${counts['by design']} by design`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
// The launcher's channel would keep this process alive.
process.disconnect?.();
