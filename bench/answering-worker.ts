// Answers each message after as many milliseconds as it says, doing nothing meanwhile: what a thread costs that waits for another one.
import { parentPort } from 'node:worker_threads';

const cell = new Int32Array(new SharedArrayBuffer(4));
parentPort?.on('message', (milliseconds: number) => {
  Atomics.wait(cell, 0, 0, milliseconds);
  parentPort?.postMessage(milliseconds);
});
