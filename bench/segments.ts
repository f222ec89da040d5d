// A directory as the primary. The floor is the same store without anything around it: one segment's bytes made durable at a time.
// With 64 writers the log should reach what that latency allows, a batch of 64 each time. And a start with many objects.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBatch } from '#persistence/encoding.ts';
import { parseMachineId } from '#persistence/machine-id.ts';
import type { MachineId } from '#persistence/machine-id.ts';
import { NfsPersistenceProvider } from '#persistence/nfs/provider.ts';
import type { LogRecord } from '#persistence/provider.ts';
import { DirectoryBlobStore } from '#persistence/segments/directory-store.ts';
import { systemClock } from '#platform/clock.ts';
import { figure, median, verdict } from './report.ts';

const WRITERS = 64;
const OBJECT_BYTES = 2_048;
const SECONDS = 1.5;
const ROUNDS = 5;
const machine = parseMachineId('ab'.repeat(16)) as MachineId;

/** Made once: what clients spend on their objects is not what is measured. */
const VALUE = Buffer.from(JSON.stringify({ padding: 'x'.repeat(OBJECT_BYTES - 14) }));

function records(from: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const revision = from + index;
    return { revision, kind: 'core/pods', key: `default/p${revision}`, value: VALUE };
  });
}

async function opened(path: string) {
  const provider = new NfsPersistenceProvider({ paths: [path], clock: systemClock });
  await provider.initialize(machine);
  const [instance = ''] = provider.instances();
  const { epoch, revision } = await provider.claimEpoch(instance);
  return { provider, instance, epoch, revision };
}

/** Objects a second when segments of 64 are made durable one after the other. */
async function floor(path: string): Promise<number> {
  const store = new DirectoryBlobStore({ path, writer: 'floor' });
  await store.probe('floor');
  const body = Buffer.concat(Array.from({ length: WRITERS }, () => VALUE));
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < SECONDS * 1_000) {
    count += 1;
    await store.putIfAbsent(`floor/${String(count).padStart(20, '0')}.jsonl`, body);
  }
  return (count * WRITERS * 1_000) / (performance.now() - start);
}

/** Objects a second of 64 writers who each wait for theirs, as the store groups them. */
async function grouped(path: string): Promise<number> {
  const { provider, instance, epoch, revision } = await opened(path);
  await using _ = provider;
  let newest = revision;
  const start = performance.now();
  let done = 0;
  while (performance.now() - start < SECONDS * 1_000) {
    // All 64 have their answer at once, and ask again before the next batch is closed.
    const batch = encodeBatch({ epoch, records: records(newest + 1, WRITERS) });
    newest += WRITERS;
    await provider.append(instance, batch);
    done += WRITERS;
  }
  return (done * 1_000) / (performance.now() - start);
}

async function fill(path: string, objects: number): Promise<void> {
  const { provider, instance, epoch } = await opened(path);
  await using _ = provider;
  for (let first = 1; first <= objects; first += 500) {
    const batch = encodeBatch({
      epoch,
      records: records(first, Math.min(500, objects - first + 1)),
    });
    await provider.append(instance, batch);
  }
}

/** Seconds from nothing to the last object, the claim included. */
async function start(path: string): Promise<number> {
  const before = performance.now();
  const { provider, instance } = await opened(path);
  await using _ = provider;
  for await (const page of provider.replay(instance, new AbortController().signal))
    void page.length;
  return (performance.now() - before) / 1_000;
}

export async function benchSegments(scale: number): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'windlass-bench-segments-'));
  try {
    const floors: number[] = [];
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      floors.push(await floor(join(root, `floor-${round}`)));
      rates.push(await grouped(join(root, `log-${round}`)));
    }
    figure('floor: 64 objects a segment, one at a time', median(floors), 'objects/s');
    figure('directory as primary, 64 writers', median(rates), 'objects/s');
    // Of each turn: the machine's speed drifts from one to the next.
    const ratio = median(rates.map((rate, round) => rate / (floors[round] ?? NaN)));
    verdict('of batch size × 1/latency', ratio, '≥ 0.8', ratio >= 0.8);

    const objects = Math.round(100_000 * scale);
    const path = join(root, 'start');
    await fill(path, objects);
    const fromSegments = median([await start(path), await start(path), await start(path)]);
    figure(`start with ${objects} objects, from segments`, fromSegments, 's');
    {
      const { provider, instance } = await opened(path);
      await using _ = provider;
      const before = performance.now();
      await provider.compact(instance, objects);
      figure('compaction of all of them', (performance.now() - before) / 1_000, 's');
    }
    const fromSnapshot = median([await start(path), await start(path), await start(path)]);
    figure(`start with ${objects} objects, from a snapshot`, fromSnapshot, 's');
    const slower = Math.max(fromSegments, fromSnapshot);
    verdict('of the 5 s that a start may take', slower / 5, '≤ 1', slower <= 5);
  } finally {
    rmSync(root, { recursive: true });
  }
}
