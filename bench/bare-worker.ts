// The database of bare.ts, in its own thread.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

const database = new Database(String(workerData));
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec('CREATE TABLE log (revision INTEGER PRIMARY KEY, value BLOB)');
parentPort?.postMessage('open');
parentPort?.on('message', () => database.close());
