// The serving end of a link: says what is different from what was said before, and beats in between.
import type { TLSSocket } from 'node:tls';
import type { Clock } from '#platform/clock.ts';
import type { ServiceInstance } from '../endpoints.ts';
import { BEAT_MS, encode, SILENCE_MS } from './messages.ts';
import type { LinkMessage } from './messages.ts';

/** A reader that is so far behind is not alive any more. */
const MOST_UNSENT_BYTES = 4 << 20;

export class AnnouncementStream {
  readonly #socket: TLSSocket;
  readonly #announced = new Map<string, ServiceInstance>();

  constructor(socket: TLSSocket, clock: Clock) {
    this.#socket = socket;
    let cancelBeat = (): void => undefined;
    let cancelSilence = (): void => undefined;
    const beat = (): void => {
      this.#say({ type: 'beat' });
      cancelBeat = clock.schedule(BEAT_MS, beat);
    };
    const heard = (): void => {
      cancelSilence();
      cancelSilence = clock.schedule(SILENCE_MS, () => socket.destroy());
    };
    beat();
    heard();
    // It says nothing but that it is there.
    socket.on('data', heard);
    socket.on('end', () => socket.destroy());
    socket.once('close', () => {
      cancelBeat();
      cancelSilence();
    });
  }

  /** @param ready all that are ready now */
  announce(ready: readonly ServiceInstance[]): void {
    const now = new Set(ready.map(({ podUID }) => podUID));
    for (const podUID of this.#announced.keys()) {
      if (now.has(podUID)) continue;
      this.#announced.delete(podUID);
      this.#say({ type: 'gone', podUID });
    }
    for (const instance of ready) {
      const { podUID, pod, namespace, service, revision } = instance;
      if (this.#announced.get(podUID) === instance) continue;
      this.#announced.set(podUID, instance);
      this.#say({ type: 'ready', instance: { podUID, pod, namespace, service, revision } });
    }
  }

  complete(): void {
    this.#say({ type: 'complete' });
  }

  drain(podUID: string, limitMs: number): void {
    this.#announced.delete(podUID);
    this.#say({ type: 'drain', podUID, limitMs });
  }

  #say(message: LinkMessage): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(encode(message));
    if (this.#socket.writableLength > MOST_UNSENT_BYTES) this.#socket.destroy();
  }
}
