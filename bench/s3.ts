// S3 as the primary: what 64 writers get through group commit, against how fast the same server takes the same bytes one after the
// other; and how long a start with 100,000 objects takes. The server is Ceph's RADOS Gateway on this machine, its disk in memory.
import { randomBytes } from 'node:crypto';
import { encodeBatch } from '#persistence/encoding.ts';
import { parseMachineId } from '#persistence/machine-id.ts';
import type { MachineId } from '#persistence/machine-id.ts';
import type { LogPersistenceProvider, LogRecord } from '#persistence/provider.ts';
import { S3BlobStore } from '#persistence/s3/blob-store.ts';
import { makeS3Client } from '#persistence/s3/client.ts';
import { S3PersistenceProvider } from '#persistence/s3/provider.ts';
import { parseS3Url } from '#persistence/s3/url.ts';
import { systemClock } from '#platform/clock.ts';
import {
  GATEWAY_ENVIRONMENT,
  missingRadosGateway,
  startRadosGateway,
} from '#test/support/rados-gateway.ts';
import { configMap } from './objects.ts';
import { figure, median, percentile, verdict } from './report.ts';

const WRITERS = 64;
const ROUNDS = 3;
const ROUND_MS = 5_000;
const OBJECTS = 100_000;

export async function benchS3(scale: number): Promise<void> {
  const missing = missingRadosGateway();
  if (missing !== undefined) {
    console.log(`  not run: ${missing}`);
    return;
  }
  Object.assign(process.env, GATEWAY_ENVIRONMENT);
  await using gateway = await startRadosGateway();
  await gateway.createBucket('bench');
  const url = (prefix: string): string => `s3://bench/${prefix}?endpoint=${gateway.endpoint}`;
  await benchWrites(url, scale);
  await benchStarts(url, Math.round(OBJECTS * scale));
}

interface Opened extends AsyncDisposable {
  readonly provider: LogPersistenceProvider;
  readonly instance: string;
  readonly epoch: number;
}

async function open(url: string): Promise<Opened> {
  const provider = new S3PersistenceProvider({ urls: [url], clock: systemClock });
  await provider.initialize(parseMachineId('b'.repeat(32)) as MachineId);
  const [instance = ''] = provider.instances();
  const { epoch } = await provider.claimEpoch(instance);
  return {
    provider,
    instance,
    epoch,
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  };
}

async function benchWrites(url: (prefix: string) => string, scale: number): Promise<void> {
  const rounds: { readonly rate: number; readonly batch: number; readonly latency: number }[] = [];
  const waits: number[] = [];
  await using opened = await open(url('writes'));
  const log = new GroupCommit(opened);
  for (let round = 0; round < ROUNDS; round += 1) {
    const { rate, batch } = await log.run(ROUND_MS * scale, waits);
    const latency = await putSeconds(url(`puts-${round}`), batch);
    rounds.push({ rate, batch, latency });
  }
  const [rate, batch, latency] = (['rate', 'batch', 'latency'] as const).map((name) =>
    median(rounds.map((round) => round[name])),
  ) as [number, number, number];
  const sorted = waits.toSorted((left, right) => left - right);
  figure(`durable writes of 2 KiB, ${WRITERS} writers`, rate, 'per s');
  figure('  latency p50', percentile(sorted, 0.5), 'ms');
  figure('  latency p99', percentile(sorted, 0.99), 'ms');
  figure('  writes in a batch', batch, '');
  figure('floor: a PUT of so many, one after the other', latency * 1_000, 'ms');
  const ratio = median(rounds.map((each) => each.rate / (each.batch / each.latency)));
  verdict('writes ÷ (batch ÷ latency)', ratio, '≥ 0.8', ratio >= 0.8);
}

/** Bodies that arrive while a batch commits form the next one, as in the store. */
class GroupCommit {
  readonly #opened: Opened;
  #revision = 0;
  #waiting: (() => void)[] = [];

  constructor(opened: Opened) {
    this.#opened = opened;
  }

  async run(milliseconds: number, waits: number[]): Promise<{ rate: number; batch: number }> {
    const start = performance.now();
    const end = start + milliseconds;
    const first = this.#revision;
    let batches = 0;
    const writers = Array.from({ length: WRITERS }, async () => {
      while (performance.now() < end) {
        const asked = performance.now();
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        waits.push(performance.now() - asked);
      }
    });
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      await this.#append(batch.length);
      batches += 1;
      for (const resolve of batch) resolve();
      // Who was answered asks again first.
      await new Promise(setImmediate);
    }
    await Promise.all(writers);
    const writes = this.#revision - first;
    return { rate: (writes / (performance.now() - start)) * 1_000, batch: writes / batches };
  }

  async #append(count: number): Promise<void> {
    const { provider, instance, epoch } = this.#opened;
    const records = Array.from({ length: count }, () => {
      this.#revision += 1;
      return record(this.#revision, this.#revision % 5_000);
    });
    await provider.append(instance, encodeBatch({ epoch, records }));
  }
}

/** Made before anything is measured. */
const VALUES = Array.from({ length: 5_000 }, (_, index) => Buffer.from(configMap(`${index}`)));

function record(revision: number, object: number): LogRecord {
  const key = `default/object-${object}`;
  const value = VALUES[object % VALUES.length] ?? Buffer.alloc(0);
  return { revision, kind: 'core/configmaps', key, value };
}

/** Mean seconds of creating an object of the size of a batch, by the same client, one after the other. */
async function putSeconds(url: string, batch: number): Promise<number> {
  const where = parseS3Url(url);
  await using store = new S3BlobStore({
    where,
    client: makeS3Client(where),
    pace: { clock: systemClock, random: Math.random, attemptMs: 5_000, totalMs: 30_000 },
    newId: () => randomBytes(8).toString('hex'),
  });
  const size = (record(1, 1).value?.byteLength ?? 0) + 80;
  const body = Buffer.alloc(Math.round(batch * size), '{"revision":1}\n');
  const puts = 300;
  for (let count = 0; count < 50; count += 1) await store.putIfAbsent(`warm/${count}`, body);
  const start = performance.now();
  for (let count = 0; count < puts; count += 1) await store.putIfAbsent(`put/${count}`, body);
  return (performance.now() - start) / puts / 1_000;
}

async function benchStarts(url: (prefix: string) => string, objects: number): Promise<void> {
  {
    await using opened = await open(url('start'));
    const { provider, instance, epoch } = opened;
    for (let first = 1; first <= objects; first += 500) {
      const count = Math.min(500, objects - first + 1);
      const records = Array.from({ length: count }, (_, index) =>
        record(first + index, first + index),
      );
      await provider.append(instance, encodeBatch({ epoch, records }));
    }
  }
  const fromSegments = await startSeconds(url('start'), objects);
  {
    await using opened = await open(url('start'));
    // Two, as after any longer run: what is before the older one is gone.
    await opened.provider.compact(opened.instance, objects - 1_000);
    await opened.provider.compact(opened.instance, objects);
  }
  const fromSnapshot = await startSeconds(url('start'), objects);
  const target = fromSnapshot <= 5 ? '✓' : '✗';
  figure(`start with ${objects} objects, from snapshots`, fromSnapshot, `s ≤ 5 ${target}`);
  figure(`start with ${objects} objects, from segments`, fromSegments, 's');
}

/** Opening, taking the epoch, and reading everything: what a start waits for. */
async function startSeconds(url: string, objects: number): Promise<number> {
  const seconds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    await using opened = await open(url);
    let found = 0;
    const never = new AbortController().signal;
    for await (const records of opened.provider.replay(opened.instance, never)) {
      found += records.length;
    }
    seconds.push((performance.now() - start) / 1_000);
    if (found !== objects) throw new Error(`${found} of ${objects} objects came back`);
  }
  return median(seconds);
}
