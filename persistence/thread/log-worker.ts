// The thread that owns one instance. Requests are answered in order; appends that queued up while one was under way share the
// next round, and with it one fsync or one request. After a failure nothing is written any more: Linux may have dropped the
// pages that a failed fsync was to save, so that a second one would succeed without them.
import { receiveMessageOnPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { decodeBatch, encodeBatch } from '../encoding.ts';
import type { Batch } from '../encoding.ts';
import type { LogRecord } from '../provider.ts';
import { DumpCheck } from './dump-check.ts';
import { isPassing, WorkerFailure } from './failures.ts';
import type { Failure } from './failures.ts';
import type { LogEngine } from './log-engine.ts';
import type { Command, Request, Response, Result } from './protocol.ts';

/** Bytes that share a round; what comes later waits for the next. */
const GROUP_BYTES = 16 << 20;

type Append = Request & {
  readonly command: Command & { readonly verb: 'append' };
};

const CHANGING: ReadonlySet<Command['verb']> = new Set([
  'claim',
  'append',
  'write',
  'compact',
  'restoreBegin',
  'restorePart',
  'restoreEnd',
]);
/** What must not happen to a log that is about to be replaced. */
const REFUSED_WHILE_RESTORING: ReadonlySet<Command['verb']> = new Set([
  'append',
  'write',
  'compact',
  'setAside',
]);
/** What goes wrong with these says nothing about what is stored, or is for the asker to judge. */
const HARMLESS: ReadonlySet<Command['verb']> = new Set([
  'restoreBegin',
  'restorePart',
  'restoreAbort',
  'verify',
  'readHolder',
  'writeHolder',
]);

export class LogWorker {
  readonly #port: MessagePort;
  readonly #engine: LogEngine;
  readonly #queue: Request[] = [];
  #isServing = false;
  #failure: Failure | undefined;
  #isOpen = false;
  #dump: DumpCheck | undefined;

  constructor(port: MessagePort, engine: LogEngine) {
    this.#port = port;
    this.#engine = engine;
  }

  start(): void {
    this.#port.on('message', (request: Request) => {
      this.#queue.push(request);
      if (!this.#isServing) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    for (;;) {
      this.#takeWaiting();
      const group = takeAppends(this.#queue);
      if (group.length > 0) {
        await this.#append(group);
        continue;
      }
      const request = this.#queue.shift();
      if (request === undefined) break;
      await this.#answer(request);
    }
    this.#isServing = false;
  }

  #takeWaiting(): void {
    for (;;) {
      const waiting = receiveMessageOnPort(this.#port);
      if (waiting === undefined) return;
      this.#queue.push(waiting.message);
    }
  }

  async #append(group: readonly Append[]): Promise<void> {
    const accepted: { readonly request: Append; readonly batch: Batch }[] = [];
    // Those that are returned are out of reach then.
    const bytes = group.reduce((sum, { command }) => sum + command.batch.byteLength, 0);
    for (const request of group) {
      const { id, command } = request;
      try {
        accepted.push({ request, batch: decodeBatch(command.batch) });
      } catch (error) {
        this.#fail(id, this.#engine.failureOf(error));
      }
    }
    if (accepted.length === 0) return;
    try {
      this.#check('append');
      const outcomes = await this.#engine.append(accepted.map(({ batch }) => batch));
      for (const [index, { request }] of accepted.entries()) {
        const failure = outcomes[index];
        if (failure === undefined) this.#acknowledge(request);
        else this.#fail(request.id, failure);
      }
    } catch (error) {
      const failure = this.#note(error);
      for (const { request } of accepted) this.#fail(request.id, failure);
      return;
    }
    await this.#committed(bytes);
  }

  #acknowledge({ id, command: { batch, returns } }: Append): void {
    if (returns === true) this.#send({ id, result: { batch } }, batch);
    else this.#send({ id, result: {} });
  }

  async #answer({ id, command }: Request): Promise<void> {
    try {
      this.#check(command.verb);
      const result = await this.#run(command);
      this.#send({ id, result }, result.batch);
    } catch (error) {
      const failure = HARMLESS.has(command.verb)
        ? this.#engine.failureOf(error)
        : this.#note(error);
      this.#fail(id, failure);
    }
    if (command.verb === 'write') await this.#committed(command.batch.byteLength);
    if (command.verb === 'close') this.#port.close();
  }

  /** Refuses what may not be done now. */
  #check(verb: Command['verb']): void {
    const failure = this.#failure ?? this.#engine.failure;
    if (failure !== undefined && CHANGING.has(verb)) throw new WorkerFailure(failure);
    if (this.#dump !== undefined && REFUSED_WHILE_RESTORING.has(verb)) {
      const message = 'Cannot write now: the log is being restored; try again afterwards';
      throw new WorkerFailure({ type: 'unreachable', message });
    }
  }

  // oxlint-disable-next-line complexity -- one line per verb
  async #run(command: Command): Promise<Result> {
    const engine = this.#engine;
    switch (command.verb) {
      case 'open': {
        const cursor = await engine.open();
        this.#isOpen = true;
        return { cursor };
      }
      case 'claim':
        return { cursor: await engine.claim(command.machine, command.atLeast) };
      case 'cursor':
        return { cursor: await engine.cursor() };
      case 'append':
        throw new TypeError('Appends are grouped before they come here');
      case 'write':
        for (const record of decodeBatch(command.batch).records) await engine.write(record);
        return {};
      case 'read':
        return page(await engine.read(command.after, command.history));
      case 'get': {
        const record = await engine.get(command.kind, command.key);
        return page(record === undefined ? [] : [record]);
      }
      case 'getAll':
        return page(await engine.getAll(command.kind));
      case 'compact':
        return { done: await engine.compact(command.through) };
      case 'restoreBegin': {
        const dump = new DumpCheck(command.cursor);
        await engine.beginRestore(command.cursor);
        this.#dump = dump;
        return {};
      }
      case 'restorePart':
        await this.#restorePart(command.batch);
        return {};
      case 'restoreEnd':
        if (this.#dump === undefined) throw new TypeError('Nothing is being restored');
        this.#dump = undefined;
        await engine.endRestore();
        return {};
      case 'restoreAbort':
        this.#dump = undefined;
        await engine.abortRestore();
        return {};
      case 'setAside': {
        const text = await engine.setAside(command.epoch);
        this.#failure = undefined;
        this.#isOpen = true;
        return { text };
      }
      case 'verify':
        return { slice: await engine.verify(command.from) };
      case 'readHolder': {
        const text = await engine.readHolder?.();
        return text === undefined ? {} : { text };
      }
      case 'writeHolder':
        await engine.writeHolder?.(command.text);
        return {};
      case 'close':
        this.#isOpen = false;
        await engine.close((this.#failure ?? engine.failure) === undefined);
        return {};
    }
  }

  async #restorePart(batch: ArrayBuffer): Promise<void> {
    if (this.#dump === undefined) throw new TypeError('Nothing is being restored');
    const { records } = decodeBatch(batch);
    this.#dump.add(records);
    await this.#engine.addRestored(records);
  }

  async #committed(bytes: number): Promise<void> {
    try {
      await this.#engine.committed?.(bytes);
    } catch (error) {
      this.#note(error);
    }
  }

  /** Remembers what makes further writes unsafe. */
  #note(error: unknown): Failure {
    const failure = this.#engine.failureOf(error);
    if (failure.type === 'full') this.#engine.makeRoom?.();
    else if (this.#isOpen && !isPassing(failure)) this.#failure ??= failure;
    return failure;
  }

  #fail(id: number, failure: Failure): void {
    const isDown = (this.#failure ?? this.#engine.failure) !== undefined;
    this.#send({ id, failure, isDown });
  }

  #send(response: Response, transfer?: ArrayBuffer): void {
    this.#port.postMessage(response, transfer === undefined ? [] : [transfer]);
  }
}

/** Takes the appends at the head of the queue, as many as may share a round. */
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
