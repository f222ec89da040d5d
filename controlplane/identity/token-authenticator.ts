// Bearer tokens: who they stand for. Several kinds of them are asked one after the other.
import type { UserInfo } from '../api/user.ts';

export interface TokenUser {
  readonly user: UserInfo;
  /** Those of the wanted audiences that the token is for. */
  readonly audiences: readonly string[];
}

export interface TokenAuthenticator {
  /**
   * Undefined: no valid token of this kind. Never says why: that would help whoever guesses.
   *
   * @param audiences the token must be for one of them; empty stands for this server
   */
  authenticate(
    token: string,
    audiences: readonly string[],
  ): TokenUser | undefined | Promise<TokenUser | undefined>;
}

/** The first that knows the token decides. Waits only for those that must wait. */
export class UnionTokenAuthenticator implements TokenAuthenticator {
  readonly #parts: readonly TokenAuthenticator[];

  constructor(parts: readonly TokenAuthenticator[]) {
    this.#parts = parts;
  }

  authenticate(
    token: string,
    audiences: readonly string[],
  ): TokenUser | undefined | Promise<TokenUser | undefined> {
    return this.#from(0, token, audiences);
  }

  #from(
    start: number,
    token: string,
    audiences: readonly string[],
  ): TokenUser | undefined | Promise<TokenUser | undefined> {
    for (const [index, part] of this.#parts.entries()) {
      if (index < start) continue;
      const found = part.authenticate(token, audiences);
      if (found instanceof Promise) {
        return found.then((user) => user ?? this.#from(index + 1, token, audiences));
      }
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
