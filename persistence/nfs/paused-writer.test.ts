// A writer is stopped for a while, another takes the directory over, then the first goes on: it must find out, and stop by itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { eventually } from '#test/support/eventually.ts';
import { machine, never } from '../conformance-site.ts';
import { encodeBatch } from '../encoding.ts';
import { NfsPersistenceProvider } from './provider.ts';

const root = mkdtempSync(join(tmpdir(), 'windlass-paused-'));
after(() => rmSync(root, { recursive: true }));

/** Appends one by one and prints `kept N`, and in the end why it stopped. */
function source(path: string): string {
  const file = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { writeSync } from 'node:fs';
    const { NfsPersistenceProvider } = await import(${file('provider.ts')});
    const { encodeBatch } = await import(${file('../encoding.ts')});
    const { systemClock } = await import(${file('../../platform/clock.ts')});
    const paths = [${JSON.stringify(path)}];
    const provider = new NfsPersistenceProvider({ paths, clock: systemClock });
    await provider.initialize(${JSON.stringify(machine)});
    const [instance] = provider.instances();
    let { epoch, revision } = await provider.claimEpoch(instance);
    try {
      for (;;) {
        const record = { revision: revision + 1, kind: 'k', key: 'first' + (revision + 1), value: Buffer.from('1') };
        await provider.append(instance, encodeBatch({ epoch, records: [record] }));
        revision += 1;
        writeSync(1, 'kept ' + revision + '\\n');
      }
    } catch (error) {
      writeSync(1, error.name + ' at ' + (await provider.cursor(instance)).epoch + '\\n');
    }
    await provider[Symbol.asyncDispose]();`;
}

test('a writer that was stopped while another took over writes no more, and loses nothing that it had acknowledged', async () => {
  const path = join(root, 'state');
  const args = ['--input-type=module', '-e', source(path)];
  const first = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: first.stdout }).on('line', (line) => lines.push(line));
  await eventually('the first writes', () => assert.ok(lines.length >= 20));
  first.kill('SIGSTOP');

  const provider = new NfsPersistenceProvider({ paths: [path], clock: systemClock });
  await using _ = provider;
  await provider.initialize(machine);
  const [instance = ''] = provider.instances();
  const { epoch, revision } = await provider.claimEpoch(instance);
  const records = (at: number) => [
    { revision: at, kind: 'k', key: `second${at}`, value: Buffer.from('2') },
  ];
  await provider.append(instance, encodeBatch({ epoch, records: records(revision + 1) }));

  const ended = new Promise<void>((resolve) => {
    first.on('exit', () => resolve());
  });
  first.kill('SIGCONT');
  await ended;
  await eventually('its last word is read', () => {
    assert.equal(lines.at(-1), `EpochLostError at ${epoch}`);
  });
  await provider.append(instance, encodeBatch({ epoch, records: records(revision + 2) }));

  const kept = lines.slice(0, -1).map((line) => Number(line.replace('kept ', '')));
  const found: { readonly key: string; readonly revision: number }[] = [];
  for await (const page of provider.replay(instance, never)) {
    found.push(...page.map(({ key, revision: at }) => ({ key, revision: at })));
  }
  assert.ok(kept.length >= 20 && (kept.at(-1) ?? 0) <= revision);
  const expected = Array.from({ length: revision }, (_unused, index) => ({
    key: `first${index + 1}`,
    revision: index + 1,
  }));
  expected.push(
    { key: `second${revision + 1}`, revision: revision + 1 },
    { key: `second${revision + 2}`, revision: revision + 2 },
  );
  assert.deepEqual(found, expected);
});
