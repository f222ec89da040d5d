// The thread of one database file.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#platform/clock.ts';
import { LogWorker } from '../thread/log-worker.ts';
import { SqliteEngine } from './sqlite-engine.ts';

if (parentPort !== null) {
  const { path } = workerData as { readonly path: string };
  new LogWorker(parentPort, new SqliteEngine(path, systemClock)).start();
}
