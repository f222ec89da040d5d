// `npm run cases -- --service-cases FILE --machine-cases FILE`: plays the cases of a file, or the tests that name them, and says what
// came of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '#test/support/windlass.ts';
import { machineOutcome, readElsewhere, readMachineCases } from './machine-case.ts';
import type { MachineCase } from './machine-case.ts';
import { filesNaming, runTests } from './machine-tests.ts';
import { playCase } from './play-case.ts';
import { readCases } from './service-case.ts';
import type { BrokenCase, ServiceCase } from './service-case.ts';

const USAGE = `Usage: npm run cases -- [--service-cases FILE]... [--machine-cases FILE]... [--verbose]

Plays cases of the service collection through the real parsers, planner and executor, and runs the tests whose titles name
cases of the machine collection.

  --service-cases FILE  A file of cases; may be given again (default, without --machine-cases: those of the tests)
  --machine-cases FILE  A file of cases; may be given again
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
  readonly services: readonly (ServiceCase | BrokenCase)[];
  readonly machines: readonly MachineCase[];
  readonly isVerbose: boolean;
}

interface Counts {
  passed: number;
  'by design': number;
  elsewhere: number;
  failed: number;
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parsed(args);
  const machineFiles = values['machine-cases'] ?? [];
  const usual =
    machineFiles.length > 0 ? [] : [join(projectRoot, 'test', 'cases', 'service-cases.json')];
  const serviceFiles = values['service-cases'] ?? usual;
  return {
    services: serviceFiles.flatMap((file) => casesOf('--service-cases', file, readCases)),
    machines: machineFiles.flatMap((file) => casesOf('--machine-cases', file, readMachineCases)),
    isVerbose: values.verbose,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'service-cases': { type: 'string', multiple: true },
        'machine-cases': { type: 'string', multiple: true },
        verbose: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Refusal(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function casesOf<T>(
  flag: string,
  file: string,
  read: (text: string) => readonly T[],
): readonly T[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Refusal(`${flag} ${file}: cannot be read: ${(error as Error).message}`);
  }
  try {
    return read(text);
  } catch (error) {
    throw new Refusal(`${flag} ${file}: is no list of cases: ${(error as Error).message}`);
  }
}

async function play({ services, machines, isVerbose }: Options): Promise<number> {
  const counts: Counts = { passed: 0, 'by design': 0, elsewhere: 0, failed: 0 };
  await playServices(services, counts, isVerbose);
  await playMachines(machines, counts, isVerbose);
  for (const word of ['by design', 'elsewhere'] as const)
    if (counts[word] > 0) console.log(`${counts[word]} ${word}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed > 0 ? 1 : 0;
}

async function playServices(
  cases: readonly (ServiceCase | BrokenCase)[],
  counts: Counts,
  isVerbose: boolean,
): Promise<void> {
  for (const one of cases) {
    const { result, detail } = await playCase(one);
    counts[result] += 1;
    tell(`${one.kind} ${one.id}: ${one.name}`, result, detail, isVerbose);
  }
}

async function playMachines(
  cases: readonly MachineCase[],
  counts: Counts,
  isVerbose: boolean,
): Promise<void> {
  if (cases.length === 0) return;
  const list = join(projectRoot, 'test', 'cases', 'machine-cases-elsewhere.json');
  const elsewhere = readElsewhere(readFileSync(list, 'utf8'));
  const ids = new Set(cases.map(({ id }) => id));
  const results = await runTests(filesNaming(ids), ids);
  for (const one of cases) {
    const { result, detail } = machineOutcome(one, results, elsewhere);
    counts[result] += 1;
    tell(`${one.area} ${one.id}: ${one.name}`, result, detail, isVerbose);
  }
}

function tell(title: string, result: keyof Counts, detail: string, isVerbose: boolean): void {
  if (result === 'failed') console.log(`✖ ${title}\n    ${detail.replaceAll('\n', '\n    ')}`);
  else if (result !== 'passed') console.log(`~ ${title} (${detail})`);
  else if (isVerbose) console.log(`✔ ${title}`);
}

process.exitCode = await main(process.argv.slice(2));
// The launcher's channel would keep this process alive.
process.disconnect?.();
