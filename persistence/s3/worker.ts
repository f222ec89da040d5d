// The thread of one bucket: the SDK, and the segment engine over it.
import { randomBytes, randomInt } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#platform/clock.ts';
import { SegmentEngine } from '../segments/segment-engine.ts';
import { LogWorker } from '../thread/log-worker.ts';
import { S3BlobStore } from './blob-store.ts';
import { makeS3Client } from './client.ts';
import type { S3WorkerData } from './provider.ts';

const RANDOM_STEPS = 2 ** 32;

function newId(): string {
  return randomBytes(8).toString('hex');
}

if (parentPort !== null) {
  const { where, deadlines } = workerData as S3WorkerData;
  const store = new S3BlobStore({
    where,
    client: makeS3Client(where),
    pace: {
      clock: systemClock,
      random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
      ...deadlines,
    },
    newId,
  });
  new LogWorker(parentPort, new SegmentEngine({ store, writer: newId() })).start();
}
