// `windlass persistence diff A B`: in which objects two instances, or an instance and a backup, differ.
import { createHash } from 'node:crypto';
import type { LogDump } from '#persistence/provider.ts';
import { terminalJSON, terminalLine } from '#platform/terminal-text.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions } from '../connect.ts';
import { createBar } from '../persistence/bar.ts';
import type { Bar } from '../persistence/bar.ts';
import { jsonOption } from '../persistence/places.ts';
import { withSources } from '../persistence/with-source.ts';
import { CommandError } from '../usage-error.ts';

interface Held {
  readonly revision: number;
  readonly digest: string;
}

interface Difference {
  readonly kind: string;
  readonly key: string;
  /** Revision of its last change there; absent where it does not exist. */
  readonly a?: number;
  readonly b?: number;
}

export const persistenceDiff = defineCommand({
  help: helpOf.persistenceDiff,
  options: { ...jsonOption, ...clientOptions },
  words: ['A', 'B'],
  async run(values, [a = '', b = ''], io) {
    const signal = io.stopSignal();
    const bar = createBar(io, 'comparing', values.json);
    try {
      return await withSources(values, 'persistence diff', [a, b], signal, async (sources) => {
        const [left, right] = await Promise.all(
          sources.map(async (source) => read(await source.dump({}, signal), bar)),
        );
        bar.end();
        const differences = compare(left ?? new Map(), right ?? new Map());
        if (values.json) io.out(`${terminalJSON(JSON.stringify({ a, b, differences }))}\n`);
        else io.out(differences.map((one) => `${terminalLine(lineOf(one, a, b))}\n`).join(''));
        return differences.length === 0 ? 0 : 1;
      });
    } catch (error) {
      // 1 says that they differ.
      if (error instanceof CommandError)
        throw new CommandError(error.message, error.next, { cause: error, exitCode: 2 });
      throw error;
    }
  },
});

async function read(dump: LogDump, bar: Bar): Promise<Map<string, Held>> {
  const held = new Map<string, Held>();
  for await (const records of dump.records) {
    for (const { kind, key, revision, value } of records) {
      const id = `${kind}\0${key}`;
      if (value === undefined) held.delete(id);
      else held.set(id, { revision, digest: createHash('sha256').update(value).digest('base64') });
    }
    bar.update(records.at(-1)?.revision ?? 0, dump.revision);
  }
  return held;
}

function compare(
  a: ReadonlyMap<string, Held>,
  b: ReadonlyMap<string, Held>,
): readonly Difference[] {
  const ids = [...new Set([...a.keys(), ...b.keys()])].toSorted();
  return ids.flatMap((id) => {
    const [left, right] = [a.get(id), b.get(id)];
    if (left?.digest === right?.digest && left?.revision === right?.revision) return [];
    const [kind = '', key = ''] = id.split('\0');
    return {
      kind,
      key,
      ...(left === undefined ? {} : { a: left.revision }),
      ...(right === undefined ? {} : { b: right.revision }),
    };
  });
}

function lineOf({ kind, key, a, b }: Difference, nameA: string, nameB: string): string {
  if (b === undefined) return `only in ${nameA}: ${kind} ${key} (revision ${a ?? 0})`;
  if (a === undefined) return `only in ${nameB}: ${kind} ${key} (revision ${b})`;
  return `differs: ${kind} ${key} (revision ${a} in ${nameA}, ${b} in ${nameB})`;
}
