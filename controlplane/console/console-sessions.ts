// Who is signed in to the console. A code that can be used once stands for whoever asked for it with their own credentials; it is
// exchanged for a bearer token that stands for the same user until they sign out, half a day is over, or what they signed in with
// counts no more. All of it is in memory, and only as digests: a restart of the server signs everybody out.
import { createHash } from 'node:crypto';

import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';

import type { UserInfo } from '../api/user.ts';
import type { CodeState, ConsolePort, ConsoleSession, SignInProof } from '../http/console-port.ts';
import type { TokenAuthenticator, TokenUser } from '../identity/token-authenticator.ts';

const CODE_MS = 60_000;
const SESSION_MS = 12 * 60 * 60_000;
/** Of those the oldest goes first; they are a person's browsers, or a mistake. */
const MOST_CODES = 256;
const MOST_SESSIONS = 1024;
const MOST_OF_A_USER = 16;
const SECRET_HEX_LENGTH = 64;
/** So that a token of another kind costs no digest, and one that is found somewhere can be told. */
const PREFIX = 'windlass-console.';

interface Entry {
  readonly user: UserInfo;
  readonly proof: SignInProof;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  /** Of a code: it is kept until it ends, so that whoever asked for it learns of it. */
  readonly isUsed?: boolean;
}

export interface ConsoleSessionsOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** That of this server. */
  readonly audience: string;
  /** Asked again with each request of somebody who signed in with a token. */
  readonly tokens: TokenAuthenticator;
}

export class ConsoleSessions implements TokenAuthenticator {
  readonly #options: ConsoleSessionsOptions;
  /** By digest, oldest first. */
  readonly #codes = new Map<string, Entry>();
  readonly #sessions = new Map<string, Entry>();

  constructor(options: ConsoleSessionsOptions) {
    this.#options = options;
  }

  isSession(token: string): boolean {
    return token.startsWith(PREFIX);
  }

  offer(user: UserInfo, proof: SignInProof): ReturnType<ConsolePort['sessions']['offer']> {
    const { clock, ids } = this.#options;
    const code = ids.hex(SECRET_HEX_LENGTH);
    const expires = clock.now() + CODE_MS;
    this.#forgetEnded(this.#codes);
    makeRoom(this.#codes, user, MOST_CODES);
    const id = digest(code);
    this.#codes.set(id, { user, proof, expires });
    return { code, id, expires };
  }

  stateOf(id: string, { name }: UserInfo): CodeState {
    const code = this.#codes.get(id);
    if (code === undefined || code.user.name !== name) return 'Gone';
    if (code.isUsed === true) return 'Used';
    return code.expires <= this.#options.clock.now() ? 'Gone' : 'Open';
  }

  redeem(code: string): ConsoleSession | undefined {
    const { clock, ids } = this.#options;
    const key = digest(code);
    const offered = this.#codes.get(key);
    const now = clock.now();
    if (
      offered === undefined ||
      offered.isUsed === true ||
      offered.expires <= now ||
      offered.proof.validUntil <= now
    )
      return undefined;
    this.#codes.set(key, { ...offered, isUsed: true });
    const { user, proof } = offered;
    const token = `${PREFIX}${ids.hex(SECRET_HEX_LENGTH)}`;
    const expires = Math.min(now + SESSION_MS, proof.validUntil);
    this.#forgetEnded(this.#sessions);
    makeRoom(this.#sessions, user, MOST_SESSIONS);
    this.#sessions.set(digest(token), { user, proof, expires });
    return { token, user, expires };
  }

  end(token: string): void {
    this.#sessions.delete(digest(token));
  }

  /** Everybody has to come again: what they signed in with may count no more. */
  endAll(): void {
    this.#codes.clear();
    this.#sessions.clear();
  }

  authenticate(
    token: string,
    audiences: readonly string[],
  ): TokenUser | undefined | Promise<TokenUser | undefined> {
    if (!this.isSession(token)) return undefined;
    const { clock, audience, tokens } = this.#options;
    const key = digest(token);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    if (session.expires <= clock.now()) {
      this.#sessions.delete(key);
      return undefined;
    }
    const wanted = audiences.length === 0 ? [audience] : audiences;
    if (!wanted.includes(audience)) return undefined;
    // Whoever signed in with a token is who that token says now, and nobody once it counts no more.
    if (session.proof.token !== undefined) return tokens.authenticate(session.proof.token, []);
    return { user: session.user, audiences: [audience] };
  }

  #forgetEnded(entries: Map<string, Entry>): void {
    const now = this.#options.clock.now();
    for (const [key, { expires }] of entries) if (expires <= now) entries.delete(key);
  }
}

function makeRoom(entries: Map<string, Entry>, { name }: UserInfo, most: number): void {
  const own = [...entries].filter(([, { user }]) => user.name === name);
  const [oldestOwn] = own;
  if (oldestOwn !== undefined && own.length >= MOST_OF_A_USER) entries.delete(oldestOwn[0]);
  if (entries.size < most) return;
  for (const key of entries.keys()) {
    entries.delete(key);
    return;
  }
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
