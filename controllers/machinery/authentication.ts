// The headers by which a client says who it is. They come from the kubeconfig: token files and exec plugins are asked again from time
// to time, as tokens are rotated.
import type { Clock } from '#platform/clock.ts';
import type { Connection } from './kubeconfig.ts';

/** The plugins' own caches answer. */
const MAX_AGE_MS = 60_000;

export class Authentication {
  readonly #connection: Pick<Connection, 'headers'>;
  readonly #clock: Clock;
  #headers: Readonly<Record<string, string>> | undefined;
  #readAt = 0;

  constructor(connection: Pick<Connection, 'headers'>, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** The headers, while they need not be read again. */
  known(): Readonly<Record<string, string>> | undefined {
    return this.#clock.monotonic() - this.#readAt > MAX_AGE_MS ? undefined : this.#headers;
  }

  async read(): Promise<Readonly<Record<string, string>>> {
    const now = this.#clock.monotonic();
    this.#headers = await this.#connection.headers();
    this.#readAt = now;
    return this.#headers;
  }

  /** The server did not take them: they may have been rotated, and are read again for the next request. */
  refused(): void {
    this.#headers = undefined;
  }
}
