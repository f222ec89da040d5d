// Brings one image to one machine: asks what it lacks, sends that, has it loaded. What has arrived once is not sent again, and a
// connection that breaks is taken up where it was.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { ConnectionError, RequestError } from '#controllers/machinery/request-error.ts';
import type { LocalImage } from '#controllers/runtimes/docker-local-image.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { ImageExport } from './image-export.ts';
import type { ImageFacts, ImagePlan, NodeCalls } from './node-calls.ts';

export interface Pushed {
  /** Layers that went over the network, and their bytes. */
  readonly sent: number;
  readonly bytes: number;
  readonly present: boolean;
}

export interface PushOptions {
  readonly calls: NodeCalls;
  readonly image: LocalImage;
  /** Name and tag that it gets there. */
  readonly name: string;
  readonly parts: Pick<ImageExport, 'ensure' | 'layer' | 'config'>;
  readonly clock: Clock;
  /** What goes on, for people. `bytes` of `size` of the layer that is sent. */
  readonly progress: (step: PushStep) => void;
}

export type PushStep =
  | {
      readonly step: 'layer';
      readonly number: number;
      readonly of: number;
      readonly bytes: number;
      readonly size: number;
    }
  | { readonly step: 'load' }
  | { readonly step: 'retry'; readonly why: string };

/** Below what the server takes as one body. */
const CHUNK_BYTES = 2 << 20;
const MOST_FAILURES = 5;
const MOST_ROUNDS = 20;
const RETRY_MS = 1_000;

/** @throws RequestError or ConnectionError when it does not get there; CommandError of the export */
export async function pushToNode(options: PushOptions, signal: AbortSignal): Promise<Pushed> {
  const { image, name, clock, progress } = options;
  const facts: ImageFacts = { id: image.id, name, layers: image.layers };
  const tally = { sent: new Set<string>(), bytes: 0 };
  let failures = 0;
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    try {
      const plan = await options.calls.plan(facts, signal);
      if (plan.state === 'present' && round === 1) return { sent: 0, bytes: 0, present: true };
      const isLoaded =
        plan.state === 'present' || (await sendAndLoad(options, facts, plan, tally, signal));
      if (isLoaded) return { sent: tally.sent.size, bytes: tally.bytes, present: false };
    } catch (error) {
      signal.throwIfAborted();
      failures += 1;
      if (!isPassing(error) || failures >= MOST_FAILURES) throw error;
      progress({ step: 'retry', why: (error as Error).message });
      await sleep(clock, RETRY_MS * 2 ** failures, signal);
    }
  }
  throw new Error(
    'what was sent is removed there again and again: is something cleaning up images?',
  );
}

/** False when something was removed there meanwhile. */
async function sendAndLoad(
  { calls, parts, progress }: PushOptions,
  facts: ImageFacts,
  { state, blobs }: ImagePlan,
  tally: { readonly sent: Set<string>; bytes: number },
  signal: AbortSignal,
): Promise<boolean> {
  let image = facts;
  if (state === 'absent') {
    await parts.ensure(
      blobs.map(({ digest }) => digest),
      signal,
    );
    for (const [index, { digest, received }] of blobs.entries()) {
      const { path, size } = await parts.layer(digest);
      const step = { step: 'layer', number: index + 1, of: blobs.length, size } as const;
      const source = await fileSource(path);
      try {
        const blob = { digest, size, received, read: source.read };
        tally.bytes += await sendBlob(calls, blob, (bytes) => progress({ ...step, bytes }), signal);
      } finally {
        await source.close();
      }
      tally.sent.add(digest);
    }
    const { config } = parts;
    const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`;
    const read = (offset: number): Promise<Buffer> =>
      Promise.resolve(config.subarray(offset, offset + CHUNK_BYTES));
    await sendBlob(
      calls,
      { digest, size: config.length, received: 0, read },
      () => undefined,
      signal,
    );
    image = { ...facts, config: digest };
  }
  progress({ step: 'load' });
  for (;;) {
    const loaded = await calls.load(image, signal);
    if (loaded !== 'loading') return loaded === 'loaded';
  }
}

interface Blob {
  readonly digest: string;
  readonly size: number;
  /** Bytes that are there. */
  readonly received: number;
  readonly read: (offset: number) => Promise<Buffer>;
}

/** @returns how many bytes were sent */
async function sendBlob(
  calls: NodeCalls,
  { digest, size, received, read }: Blob,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<number> {
  let offset = Math.min(received, size);
  let sent = 0;
  // Another sender of the same may be ahead of us; each answer says where to go on.
  for (let attempt = 0; ; attempt += 1) {
    const bytes = await read(offset);
    progress(offset);
    const next = await calls.blob(digest, { offset, size }, bytes, signal);
    sent += bytes.length;
    if (next >= size) return sent;
    if (next <= offset && attempt > 100 + size / CHUNK_BYTES)
      throw new Error(
        `layer ${digest} does not get there: the machine keeps asking for byte ${next}`,
      );
    offset = next;
  }
}

async function fileSource(
  path: string,
): Promise<{ readonly read: Blob['read']; readonly close: () => Promise<void> }> {
  const file = await open(path, 'r');
  return {
    async read(offset) {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(CHUNK_BYTES),
        0,
        CHUNK_BYTES,
        offset,
      );
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

/** Whether it may be otherwise in a moment: the agent was starting, or the way to it broke. */
function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  return error instanceof RequestError && [429, 502, 503, 504].includes(error.code);
}
