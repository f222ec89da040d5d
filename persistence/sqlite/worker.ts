// The thread that owns one database file. Requests are answered in order; appends that queued up while one committed share
// the next transaction, and with it one fsync. After an I/O error nothing is written any more: Linux may have dropped the
// pages that a failed fsync was to save, so that a second one would succeed without them.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { systemClock } from '#platform/clock.ts';
import { decodeBatch, encodeBatch } from '../encoding.ts';
import type { Batch } from '../encoding.ts';
import { StorageFailedError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import { Checkpoints } from './checkpoints.ts';
import { failureOf, isPassing, WorkerFailure } from './failures.ts';
import type { Failure } from './failures.ts';
import { LogDatabase } from './log-database.ts';
import type { Command, Request, Response, Result } from './protocol.ts';
import { openDatabase } from './schema.ts';

/** Bytes that share a transaction; what comes later waits for the next. */
const GROUP_BYTES = 16 << 20;

interface Opened {
  readonly database: Database.Database;
  readonly log: LogDatabase;
  readonly checkpoints: Checkpoints;
}

type Append = Request & {
  readonly command: { readonly verb: 'append'; readonly batch: ArrayBuffer };
};

class DatabaseWorker {
  readonly #port: MessagePort;
  readonly #path: string;
  #opened: Opened | undefined;
  #failure: Failure | undefined;

  constructor(port: MessagePort, path: string) {
    this.#port = port;
    this.#path = path;
  }

  start(): void {
    this.#port.on('message', (request: Request) => this.#serve(request));
  }

  #serve(first: Request): void {
    const queue = [first];
    while (queue.length > 0) {
      this.#takeWaiting(queue);
      const group = takeAppends(queue);
      if (group.length > 0) {
        this.#append(group);
        continue;
      }
      const request = queue.shift();
      if (request !== undefined) this.#answer(request);
    }
  }

  #takeWaiting(queue: Request[]): void {
    for (;;) {
      const waiting = receiveMessageOnPort(this.#port);
      if (waiting === undefined) return;
      queue.push(waiting.message);
    }
  }

  #append(group: readonly Append[]): void {
    const accepted: { readonly id: number; readonly batch: Batch }[] = [];
    for (const { id, command } of group) {
      try {
        accepted.push({ id, batch: decodeBatch(command.batch) });
      } catch (error) {
        this.#fail(id, failureOf(error, this.#path));
      }
    }
    if (accepted.length === 0) return;
    try {
      const { log } = this.#writable();
      const outcomes = log.append(accepted.map(({ batch }) => batch));
      for (const [index, { id }] of accepted.entries()) {
        const failure = outcomes[index];
        if (failure === undefined) this.#send({ id, result: {} });
        else this.#fail(id, failure);
      }
    } catch (error) {
      const failure = this.#note(error);
      for (const { id } of accepted) this.#fail(id, failure);
      return;
    }
    this.#opened?.checkpoints.committed(
      group.reduce((bytes, { command }) => bytes + command.batch.byteLength, 0),
    );
  }

  #answer({ id, command }: Request): void {
    try {
      const result = this.#run(command);
      this.#send({ id, result }, result.batch);
    } catch (error) {
      this.#fail(id, this.#note(error));
    }
    if (command.verb === 'close') this.#port.close();
  }

  #run(command: Command): Result {
    switch (command.verb) {
      case 'open':
        return { cursor: this.#open().log.cursor() };
      case 'claim':
        return { cursor: this.#writable().log.claim(command.machine) };
      case 'cursor':
        return { cursor: this.#readable().log.cursor() };
      case 'append':
        throw new TypeError('Appends are grouped before they come here');
      case 'write':
        return this.#write(command.batch);
      case 'read':
        return page(this.#readable().log.read(command.after, command.history));
      case 'get': {
        const record = this.#readable().log.get(command.kind, command.key);
        return page(record === undefined ? [] : [record]);
      }
      case 'getAll':
        return page(this.#readable().log.getAll(command.kind));
      case 'compact':
        return { done: this.#writable().log.compact(command.through) };
      case 'close':
        this.#close();
        return {};
    }
  }

  #open(): Opened {
    const database = openDatabase(this.#path);
    this.#opened = {
      database,
      log: new LogDatabase(database, this.#path),
      checkpoints: new Checkpoints({
        database,
        path: this.#path,
        clock: systemClock,
        onFailure: (failure) => {
          this.#failure = failure;
        },
      }),
    };
    return this.#opened;
  }

  #write(buffer: ArrayBuffer): Result {
    const { log, checkpoints } = this.#writable();
    for (const record of decodeBatch(buffer).records) log.write(record);
    checkpoints.committed(buffer.byteLength);
    return {};
  }

  #close(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    opened.checkpoints.stop();
    try {
      // After a failure the next start shall look closely.
      if (this.#failure === undefined) {
        opened.log.markClean();
        opened.database.pragma('wal_checkpoint(TRUNCATE)');
      }
    } catch (error) {
      // Without room for the mark the next start looks closely, and finds everything in the write-ahead log.
      if (failureOf(error, this.#path).type !== 'full') throw error;
    } finally {
      opened.database.close();
    }
  }

  #readable(): Opened {
    if (this.#opened !== undefined) return this.#opened;
    throw new StorageFailedError(`Cannot use ${this.#path}: it is not open`);
  }

  #writable(): Opened {
    if (this.#failure !== undefined) throw new WorkerFailure(this.#failure);
    return this.#readable();
  }

  /** Remembers what makes further writes unsafe. */
  #note(error: unknown): Failure {
    const failure = failureOf(error, this.#path);
    if (failure.type === 'full') this.#opened?.checkpoints.makeRoom();
    else if (this.#opened !== undefined && !isPassing(failure)) this.#failure ??= failure;
    return failure;
  }

  #fail(id: number, failure: Failure): void {
    this.#send({ id, failure, isDown: this.#failure !== undefined });
  }

  #send(response: Response, transfer?: ArrayBuffer): void {
    this.#port.postMessage(response, transfer === undefined ? [] : [transfer]);
  }
}

/** Takes the appends at the head of the queue, as many as may share a transaction. */
function takeAppends(queue: Request[]): Append[] {
  const group: Append[] = [];
  let bytes = 0;
  for (;;) {
    const next = queue[0];
    if (next === undefined || !isAppend(next)) return group;
    bytes += next.command.batch.byteLength;
    if (group.length > 0 && bytes > GROUP_BYTES) return group;
    group.push(next);
    queue.shift();
  }
}

function isAppend(request: Request): request is Append {
  return request.command.verb === 'append';
}

function page(records: readonly LogRecord[]): Result {
  return records.length === 0 ? {} : { batch: encodeBatch({ epoch: 0, records }) };
}

if (parentPort !== null) {
  const { path } = workerData as { readonly path: string };
  new DatabaseWorker(parentPort, path).start();
}
