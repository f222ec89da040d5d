// Finds out which digest an image's tag stands for: from the machines that hold it where the pull policy says so, else from its
// registry. Answers are remembered for a while, equal questions asked once, and few registries asked at the same time.
import { Deadline } from '../machinery/deadline.ts';
import type {
  DigestResolver,
  ImageAnswer,
  ImageQuestion,
  ImageQuestions,
} from '../machinery/digest-resolver.ts';
import { findLocally } from '../machinery/image-holders.ts';
import { parseImageReference } from '../machinery/image-reference.ts';
import { findLogins } from './logins.ts';
import type { LoginsOptions } from './logins.ts';
import { RegistryError } from './registry-error.ts';
import { Repository } from './repository.ts';
import { Transport } from './transport.ts';

export interface ResolverOptions extends LoginsOptions {
  readonly userAgent: string;
  /** Registries that may be spoken to without TLS, besides those of this machine. */
  readonly plainHTTP?: readonly string[];
  /** For one image, all attempts together; 15 s by default. Eight are asked for at once. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
const REMEMBERED_MS = 30_000;
const MOST_REMEMBERED = 1_000;
const MOST_AT_ONCE = 8;

type Found = { readonly digest: string } | { readonly why: string };

interface Entry {
  readonly found: Promise<Found>;
  /** On the clock's monotonic scale. */
  readonly until: number;
}

/** Close it to give the sockets back. */
export class RegistryDigestResolver implements DigestResolver, AsyncDisposable {
  readonly #options: ResolverOptions;
  readonly #transport: Transport;
  readonly #entries = new Map<string, Entry>();
  readonly #lifetime = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#transport = new Transport({
      clock: options.clock,
      userAgent: options.userAgent,
      plainHTTP: options.plainHTTP ?? [],
    });
  }

  async resolve(questions: ImageQuestions, signal: AbortSignal): Promise<readonly ImageAnswer[]> {
    signal.throwIfAborted();
    const answers = Promise.all(
      questions.images.map((question) => this.#answer(question, questions)),
    );
    return abandonable(answers, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lifetime.abort(new Error('the resolver is closed'));
    await this.#transport[Symbol.asyncDispose]();
  }

  async #answer(question: ImageQuestion, questions: ImageQuestions): Promise<ImageAnswer> {
    const { image } = question;
    const finding = findLocally(question, questions.nodes);
    if (!finding.ask) return finding.answer;
    const found = await this.#remembered(image, questions);
    if ('digest' in found)
      return { image, digest: found.digest, reason: 'its registry says so', isMissing: false };
    const { fallback } = finding;
    if (fallback === undefined) return { image, reason: found.why, isMissing: false };
    return { ...fallback, reason: `${fallback.reason}; ${found.why}` };
  }

  /** Whoever asks the same in the meantime gets the same answer, so nobody's signal may end the asking. */
  #remembered(image: string, { namespace, pullSecrets, fresh }: ImageQuestions): Promise<Found> {
    // What one namespace's logins may see is not for the next.
    const key = [namespace, ...pullSecrets, image].join('\n');
    const now = this.#options.clock.monotonic();
    const known = this.#entries.get(key);
    if (known !== undefined && known.until > now && fresh !== true) return known.found;
    for (const [old, { until }] of this.#entries) {
      if (until > now && this.#entries.size < MOST_REMEMBERED) continue;
      this.#entries.delete(old);
    }
    const found = this.#ask(image, { namespace, names: pullSecrets });
    this.#entries.set(key, { found, until: now + REMEMBERED_MS });
    return found;
  }

  async #ask(
    image: string,
    secrets: { readonly namespace: string; readonly names: readonly string[] },
  ): Promise<Found> {
    const { clock, timeoutMs = TIMEOUT_MS } = this.#options;
    await this.#turn();
    const late = `its registry has not answered within ${timeoutMs / 1000} s`;
    const deadline = new Deadline(clock, timeoutMs, late);
    const signal = AbortSignal.any([this.#lifetime.signal, deadline.signal]);
    try {
      const reference = parseImageReference(image);
      const logins = await findLogins(this.#options, reference, secrets, signal);
      const repository = new Repository(this.#transport, reference, logins);
      return { digest: await repository.digestOf(reference.tag ?? 'latest', signal) };
    } catch (error) {
      if (error instanceof RegistryError) return { why: error.message };
      if (deadline.signal.aborted) return { why: late };
      return { why: `it could not be asked for: ${(error as Error).message}` };
    } finally {
      deadline.end();
      this.#active -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#active >= MOST_AT_ONCE)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#active += 1;
  }
}

/** As `work`, but rejects as soon as the signal aborts; the work goes on for others. */
function abandonable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  return promise;
}
