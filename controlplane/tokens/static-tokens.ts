// `--token-auth-file`: tokens that are written down, one per line of CSV: token, user, uid, and optionally groups in one quoted column.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { TokenAuthenticator, TokenUser } from '../identity/token-authenticator.ts';
import type { UserInfo } from '../api/user.ts';

/** The file cannot be used. The message names the line, never what is in it. */
export class TokenFileError extends Error {
  constructor(file: string, why: string, cause?: unknown) {
    super(`--token-auth-file ${file}: ${why}`, { cause });
    this.name = 'TokenFileError';
  }
}

export class StaticTokens implements TokenAuthenticator {
  /** By the digest of the token: a look-up takes as long for a token that is nearly right. */
  readonly #users: ReadonlyMap<string, UserInfo>;
  readonly #audience: string;

  private constructor(users: ReadonlyMap<string, UserInfo>, audience: string) {
    this.#users = users;
    this.#audience = audience;
  }

  /**
   * @param audience that of this server
   * @throws TokenFileError
   */
  static async read(file: string, audience: string): Promise<StaticTokens> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      throw new TokenFileError(file, 'it cannot be read', error);
    }
    const users = new Map<string, UserInfo>();
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      const columns = columnsOf(line);
      const [token = '', name = '', uid = '', groups = ''] = columns ?? [];
      if (token === '' || name === '' || (columns?.length ?? 0) < 3) {
        throw new TokenFileError(file, `line ${index + 1} must be token,user,uid[,"group,group"]`);
      }
      if (users.has(digest(token))) {
        throw new TokenFileError(file, `the token of line ${index + 1} is there twice`);
      }
      const given = groups.split(',').flatMap((group) => (group === '' ? [] : [group.trim()]));
      const user = { name, groups: [...given, 'system:authenticated'] };
      users.set(digest(token), uid === '' ? user : { ...user, uid });
    }
    return new StaticTokens(users, audience);
  }

  authenticate(token: string, audiences: readonly string[]): TokenUser | undefined {
    const user = this.#users.get(digest(token));
    if (user === undefined) return undefined;
    const wanted = audiences.length === 0 ? [this.#audience] : audiences;
    // They are for this server and nothing else.
    if (!wanted.includes(this.#audience)) return undefined;
    return { user, audiences: [this.#audience] };
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

/** The columns of a line of CSV; undefined when its quotes do not match. */
function columnsOf(line: string): readonly string[] | undefined {
  const columns: string[] = [];
  const column = /\s*(?:"((?:[^"]|"")*)"|([^",]*))\s*(?:,|$)/y;
  const text = line.trimEnd();
  for (;;) {
    const found = column.exec(text);
    if (found === null) return undefined;
    columns.push((found[1]?.replaceAll('""', '"') ?? found[2] ?? '').trim());
    if (!found[0].endsWith(',')) break;
  }
  return columns;
}
