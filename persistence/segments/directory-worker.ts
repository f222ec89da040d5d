// The thread of one directory. Its calls are synchronous: a file server that hangs stops this thread, and only this one.
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { LogWorker } from '../thread/log-worker.ts';
import { beat } from '../thread/stall-watch.ts';
import { DirectoryBlobStore } from './directory-store.ts';
import { SegmentEngine } from './segment-engine.ts';

if (parentPort !== null) {
  const { path, pulse } = workerData as { readonly path: string; readonly pulse: Int32Array };
  const writer = randomBytes(6).toString('hex');
  const options = { path, writer, beat: () => beat(pulse), refusesOthers: true };
  const store = new DirectoryBlobStore(options);
  new LogWorker(parentPort, new SegmentEngine({ store, writer })).start();
}
