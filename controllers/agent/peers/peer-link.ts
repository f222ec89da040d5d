// The line to one other agent: dials it, learns which of its instances are ready, and dials again when the line is lost. While there is no
// line nothing of it is offered: who cannot be reached cannot be sent to.
import type { TLSSocket } from 'node:tls';
import { backoffMs } from '#platform/backoff.ts';
import { sleep } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { ServiceInstance } from '../endpoints.ts';
import { LineSplitter } from './lines.ts';
import { BEAT_MS, encode, parseLinkMessage, SILENCE_MS } from './messages.ts';
import type { Announcement, LinkMessage } from './messages.ts';
import { connectThrough, discard, openPeer } from './peer-dial.ts';
import type { DialOptions, PeerAddress } from './peer-dial.ts';
import type { PeerMetrics } from './peer-metrics.ts';

export interface PeerLinkOptions extends DialOptions {
  readonly address: PeerAddress;
  readonly logger: Logger;
  readonly metrics: PeerMetrics;
  readonly random: () => number;
  /** What it offers is not the same any more. */
  readonly changed: () => void;
  /** An instance is about to stop there. */
  readonly drain: (podUID: string, limitMs: number) => void;
}

const BACKOFF = { initialMs: 100, maximumMs: 5_000, jitter: 0.5 };
const CONNECT_TIMEOUT_MS = 3_000;
/** More than any node runs: whoever announces more is broken. */
const MOST_INSTANCES = 5_000;

export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #instances = new Map<string, ServiceInstance>();
  /** Connections of ours through this peer: cut when it falls silent, since they would hang. */
  readonly #connections = new Set<TLSSocket>();
  #isUp = false;
  #isComplete = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
  }

  get address(): PeerAddress {
    return this.#options.address;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  ready(): Iterable<ServiceInstance> {
    // Half of an announcement after a reconnection would send all to a few.
    return this.#isComplete ? this.#instances.values() : [];
  }

  /** Works until the signal aborts, then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, random, address, metrics } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#hold(signal, () => (failures = 0));
        logger.debug('A peer ended its link', { peer: address.node });
      } catch (error) {
        if (signal.aborted) break;
        // Said once for each loss, not for each attempt.
        const level = failures === 0 ? 'info' : 'debug';
        logger[level]('No link to a peer', { peer: address.node, error });
      }
      this.#lost();
      failures += 1;
      metrics.linkFailures.inc({ peer: address.node });
      await sleep(clock, backoffMs(failures - 1, BACKOFF, random()), signal).catch(() => undefined);
    }
    this.#lost();
  }

  async #hold(signal: AbortSignal, opened: () => void): Promise<void> {
    const { clock, address } = this.#options;
    const limit = new AbortController();
    const cancelLimit = clock.schedule(CONNECT_TIMEOUT_MS, () =>
      limit.abort(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`)),
    );
    let socket: TLSSocket;
    try {
      const either = AbortSignal.any([signal, limit.signal]);
      socket = await openPeer(address, { open: 'link' }, this.#options, either);
    } finally {
      cancelLimit();
    }
    const onAbort = (): void => discard(socket);
    signal.addEventListener('abort', onAbort, { once: true });
    let cancelBeat = (): void => undefined;
    let cancelSilence = (): void => undefined;
    const beat = (): void => {
      socket.write(encode({ type: 'beat' }));
      cancelBeat = clock.schedule(BEAT_MS, beat);
    };
    const heard = (): void => {
      cancelSilence();
      cancelSilence = clock.schedule(SILENCE_MS, () =>
        socket.destroy(new Error(`not a word for ${SILENCE_MS / 1000} s`)),
      );
    };
    try {
      beat();
      heard();
      const lines = new LineSplitter();
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        heard();
        for (const line of lines.push(chunk)) this.#take(parseLinkMessage(line), opened);
      }
    } finally {
      cancelBeat();
      cancelSilence();
      signal.removeEventListener('abort', onAbort);
      discard(socket);
    }
  }

  #take(message: LinkMessage | undefined, opened: () => void): void {
    const { metrics, address, changed, drain } = this.#options;
    switch (message?.type) {
      case 'complete':
        opened();
        this.#isUp = true;
        this.#isComplete = true;
        metrics.up.set({ peer: address.node }, 1);
        changed();
        return;
      case 'ready':
        if (this.#instances.size >= MOST_INSTANCES)
          throw new Error(`it announces more than ${MOST_INSTANCES} instances`);
        this.#instances.set(message.instance.podUID, this.#instanceOf(message.instance));
        if (this.#isComplete) changed();
        return;
      case 'gone':
        if (this.#instances.delete(message.podUID)) changed();
        return;
      case 'drain':
        if (this.#instances.delete(message.podUID)) changed();
        drain(message.podUID, message.limitMs);
        return;
      case 'beat':
      case undefined:
    }
  }

  #lost(): void {
    const { metrics, address, changed } = this.#options;
    const hadSome = this.#isComplete && this.#instances.size > 0;
    this.#isUp = false;
    this.#isComplete = false;
    this.#instances.clear();
    metrics.up.set({ peer: address.node }, 0);
    for (const socket of this.#connections) socket.destroy();
    if (hadSome) changed();
  }

  #instanceOf(announced: Announcement): ServiceInstance {
    return {
      ...announced,
      node: this.#options.address.node,
      address: () => undefined,
      connect: (port, timeoutMs) => this.#connect(announced.podUID, port, timeoutMs),
    };
  }

  async #connect(podUID: string, port: number | string, timeoutMs: number): Promise<TLSSocket> {
    const { address, metrics } = this.#options;
    try {
      const socket = await connectThrough(address, podUID, port, timeoutMs, this.#options);
      if (!this.#isUp) {
        discard(socket);
        throw new Error(`the link to node ${address.node} was lost`);
      }
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
      metrics.connections.inc({ direction: 'out', result: 'ok' });
      return socket;
    } catch (error) {
      metrics.connections.inc({ direction: 'out', result: 'failed' });
      throw error;
    }
  }
}
