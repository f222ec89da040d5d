// Verifies instances that no server uses, one after the other, and says for each what was found.
import { verifyPlace } from '#persistence/backup/verify-place.ts';
import { systemClock } from '#platform/clock.ts';
import type { CommandIO } from '../command.ts';
import { terminalText } from '#platform/terminal-text.ts';
import { formatTable } from '../output.ts';
import { createBar } from './bar.ts';
import { storageProblem } from './told-storage.ts';

interface Checked {
  readonly url: string;
  readonly isWhole: boolean;
  readonly instance?: string;
  readonly cluster?: string;
  readonly epoch?: number;
  readonly revision?: number;
  readonly objects?: number;
  readonly records?: number;
  readonly error?: string;
}

/** Resolves with the exit code: 0 when all are whole and of one cluster. */
export async function checkPlaces(
  urls: readonly string[],
  io: CommandIO,
  isJSON: boolean,
  signal: AbortSignal,
): Promise<number> {
  const found: Checked[] = [];
  for (const url of urls) found.push(await check(url, io, isJSON, signal));
  const clusters = new Set(found.flatMap(({ cluster }) => cluster ?? []));
  const isWhole = found.every((one) => one.isWhole);
  const isOne = clusters.size <= 1;
  if (isJSON) io.out(`${JSON.stringify({ isWhole: isWhole && isOne, instances: found })}\n`);
  else {
    const rows = found.map((one) => [
      one.url,
      one.isWhole ? 'whole' : 'DAMAGED',
      textOf(one.epoch),
      textOf(one.revision),
      textOf(one.objects),
    ]);
    io.out(formatTable(['INSTANCE', 'STATE', 'EPOCH', 'REVISION', 'OBJECTS'], rows));
    for (const { url, error } of found)
      if (error !== undefined) io.err(`${terminalText(`${url}: ${error}`)}\n`);
    if (!isOne) io.err('these instances hold the data of different clusters\n');
  }
  return isWhole && isOne ? 0 : 1;
}

async function check(
  url: string,
  io: CommandIO,
  isJSON: boolean,
  signal: AbortSignal,
): Promise<Checked> {
  const bar = createBar(io, `checking ${withoutQuery(url)}`, isJSON);
  const shown = { url: withoutQuery(url) };
  try {
    const { name, cursor, summary, cluster } = await verifyPlace(
      url,
      systemClock,
      signal,
      (revision, of) => bar.update(revision, of),
    );
    bar.update(1, 1);
    const { epoch, revision } = cursor;
    const { objects, records } = summary;
    const whole = { ...shown, isWhole: true, instance: name, epoch, revision, objects, records };
    return cluster === undefined ? whole : { ...whole, cluster };
  } catch (error) {
    signal.throwIfAborted();
    const problem = storageProblem(error);
    if (problem === undefined) throw error;
    return { ...shown, isWhole: false, error: problem };
  } finally {
    bar.end();
  }
}

function textOf(value: number | undefined): string {
  return value === undefined ? '-' : String(value);
}

/** What a URL may carry behind its question mark is for nobody's screen. */
function withoutQuery(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}
