// The floor of `bench start`: a process that does nothing but listen with https + express and hold a SQLite database open in a worker.
// Arguments: the data directory of a control plane (for its certificate), a folder for the database.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import express from 'express';

const [dataDirectory = '', folder = ''] = process.argv.slice(2);
const pki = (name: string): Buffer => readFileSync(path.join(dataDirectory, 'pki', name));

const worker = new Worker(path.join(import.meta.dirname, 'bare-worker.ts'), {
  workerData: path.join(folder, 'bare.db'),
});
await once(worker, 'message');
const shell = express();
shell.get('/readyz', (_request, response) => void response.send('ok'));
const server = https.createServer({ key: pki('server.key'), cert: pki('server.crt') }, shell);
server.listen(0, '127.0.0.1', () => console.log('ready '));
process.once('SIGTERM', () => process.exit(0));
