// One SSH connection that comes again: made when first needed, kept alive, made anew after it broke. A command that was running when it
// broke is not repeated; its caller hears HostUnreachableError.
import { Client } from 'ssh2';
import type { ClientChannel, ConnectConfig, SFTPWrapper } from 'ssh2';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { HostCommandError, HostUnreachableError } from '../host-errors.ts';
import { Slots } from '../slots.ts';
import { keyProblem } from './host-keys.ts';
import type { PinnedKeys } from './host-keys.ts';

export interface SshTarget {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The private key; only here, in memory. */
  readonly privateKey: string;
  readonly passphrase: string | undefined;
  readonly pinned: PinnedKeys;
}

const CONNECT_TIMEOUT_MS = 20_000;
const KEEPALIVE_MS = 10_000;
const KEEPALIVES_MISSED = 3;
/** Below the ten that sshd allows by default; one more is for sftp, one for killing what is to be killed. */
const CHANNELS = 6;
/** A session that just ended may still count on the host: opening one is tried again for this long. */
const OPEN_AGAIN_MS = 10_000;
const OPEN_AGAIN_EVERY_MS = 50;

interface Live {
  readonly client: Client;
  sftp: Promise<SFTPWrapper> | undefined;
}

export class SshConnection {
  readonly name: string;
  readonly #target: SshTarget;
  readonly #clock: Clock;
  readonly #slots = new Slots(CHANNELS);
  #live: Promise<Live> | undefined;
  #isClosed = false;

  constructor(target: SshTarget, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
    this.name = `ssh ${target.user}@${target.address}:${target.port}`;
  }

  /** Runs `work` while one of the few channels is kept for it. */
  limited<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#slots.run(signal, work);
  }

  /**
   * Starts a command line.
   *
   * @param attach called at once with the channel: a command that ends quickly has told its exit code before any promise is looked at
   * @throws HostUnreachableError, or HostCommandError for a login or a key that is refused
   */
  async exec<T>(
    commandLine: string,
    signal: AbortSignal,
    attach: (channel: ClientChannel) => T,
  ): Promise<T> {
    const clock = this.#clock;
    const deadline = clock.monotonic() + OPEN_AGAIN_MS;
    for (;;) {
      const { client } = await this.#connected(signal);
      try {
        return await this.#answer<T>(signal, (done) => {
          client.exec(commandLine, (error, channel) => {
            if (error) done(error);
            else if (signal.aborted) channel.close();
            else done(undefined, attach(channel));
          });
        });
      } catch (error) {
        if (!isNoChannel(error) || clock.monotonic() > deadline) throw error;
        await sleep(clock, OPEN_AGAIN_EVERY_MS, signal);
      }
    }
  }

  /** The one sftp session of the connection. */
  async #sftp(signal: AbortSignal): Promise<SFTPWrapper> {
    const live = await this.#connected(signal);
    live.sftp ??= this.#answer<SFTPWrapper>(signal, (done) => live.client.sftp(done)).then(
      (sftp) => {
        sftp.on('error', () => undefined);
        sftp.once('close', () => (live.sftp = undefined));
        return sftp;
      },
    );
    const asked = live.sftp;
    asked.catch(() => (live.sftp = undefined));
    return asked;
  }

  /**
   * Works over sftp. The signal that `work` gets also aborts when the session ends: the library forgets its callbacks then.
   *
   * @throws HostUnreachableError when the connection ends, HostCommandError for what the server refuses
   */
  async transfer<T>(
    signal: AbortSignal,
    work: (sftp: SFTPWrapper, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const sftp = await this.#sftp(signal);
    const ending = new AbortController();
    const lost = new HostUnreachableError(`${this.name}: the connection ended during a transfer`);
    const stop = (): void => ending.abort(lost);
    sftp.once('close', stop);
    try {
      return await work(sftp, AbortSignal.any([signal, ending.signal]));
    } catch (error) {
      // Status codes of sftp: what the host answers.
      if (error instanceof Error && typeof (error as { code?: unknown }).code === 'number')
        throw new HostCommandError(`${this.name}: sftp: ${error.message}`, { cause: error });
      throw error;
    } finally {
      sftp.off('close', stop);
    }
  }

  /** As an error of ours; what the library says is about the connection. */
  unreachable(error: unknown): Error {
    if (error instanceof HostUnreachableError || error instanceof HostCommandError) return error;
    const why = error instanceof Error ? error.message : String(error);
    return new HostUnreachableError(`${this.name}: ${why}`, { cause: error });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const live = await this.#live?.catch(() => undefined);
    if (live === undefined) return;
    const closed = new Promise<void>((resolve) => live.client.once('close', () => resolve()));
    live.client.end();
    // A host that is away does not answer the goodbye.
    live.client.destroy();
    await closed;
  }

  async #connected(signal: AbortSignal): Promise<Live> {
    signal.throwIfAborted();
    if (this.#isClosed) throw new HostUnreachableError(`${this.name}: is closed`);
    this.#live ??= this.#connect();
    const waiting = Promise.withResolvers<never>();
    const stop = (): void => waiting.reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await Promise.race([this.#live, waiting.promise]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Shared by all who wait, so that one of them giving up ends nothing for the others. */
  #connect(): Promise<Live> {
    const client = new Client();
    const live = new Promise<Live>((resolve, reject) => {
      let refusal: string | undefined;
      client.once('ready', () => resolve({ client, sftp: undefined }));
      client.on('error', (error: Error & { readonly level?: string }) => {
        this.#live = undefined;
        reject(this.#refused(error, refusal));
        client.destroy();
      });
      client.once('close', () => {
        this.#live = undefined;
        reject(new HostUnreachableError(`${this.name}: the connection ended`));
      });
      try {
        client.connect(this.#configuration((problem) => (refusal = problem)));
      } catch (error) {
        this.#live = undefined;
        const why = error instanceof Error ? error.message : String(error);
        reject(new HostCommandError(`${this.name}: ${why}`));
      }
    });
    // Whoever waits hears of it; nobody has to.
    live.catch(() => undefined);
    return live;
  }

  #configuration(refuse: (problem: string) => void): ConnectConfig {
    const { address, port, user, privateKey, passphrase, pinned } = this.#target;
    const serverHostKey = pinned.algorithms as
      NonNullable<NonNullable<ConnectConfig['algorithms']>['serverHostKey']> | undefined;
    return {
      host: address,
      port,
      username: user,
      privateKey,
      ...(passphrase === undefined ? {} : { passphrase }),
      readyTimeout: CONNECT_TIMEOUT_MS,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVES_MISSED,
      ...(serverHostKey === undefined ? {} : { algorithms: { serverHostKey } }),
      hostVerifier: (key: Buffer) => {
        const problem = keyProblem(key, pinned, this.name);
        if (problem !== undefined) refuse(problem);
        return problem === undefined;
      },
    };
  }

  #refused(error: Error & { readonly level?: string }, refusal: string | undefined): Error {
    if (refusal !== undefined) return new HostCommandError(refusal);
    if (error.level === 'client-authentication')
      return new HostCommandError(
        `${this.name}: the host refuses the key; is its public half in authorized_keys of ${this.#target.user}?`,
        { cause: error },
      );
    if (/no matching host key/.test(error.message))
      return new HostCommandError(
        `${this.name}: the host has no key of the pinned kind (${(this.#target.pinned.algorithms ?? []).join(', ')}); ` +
          `pinned is ${this.#target.pinned.fingerprints.join(' or ')}`,
        { cause: error },
      );
    return new HostUnreachableError(`${this.name}: ${error.message}`, { cause: error });
  }

  /** A request of the library: its callback, or the end of the connection, or the abort. */
  #answer<T>(
    signal: AbortSignal,
    ask: (done: (error: Error | undefined, answer?: T) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      try {
        ask((error, answer) => {
          signal.removeEventListener('abort', stop);
          if (error) reject(this.unreachable(error));
          // Nobody waits any more: what was opened is closed again.
          else if (signal.aborted) (answer as { end?: () => void } | undefined)?.end?.();
          else resolve(answer as T);
        });
      } catch (error) {
        signal.removeEventListener('abort', stop);
        reject(this.unreachable(error));
      }
    });
  }
}

/** The host took the connection and does not open one more session on it; nothing was started. */
function isNoChannel(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Channel open failure');
}
