// Who is signed in, as this tab of the browser knows it: kept until the tab is closed, never in a cookie, so that no other page can make
// the browser show it.

export interface Session {
  readonly token: string;
  readonly user: string;
  /** Absent for a token that was pasted: the server knows. */
  readonly expires?: string | undefined;
}

const KEY = 'windlass-session';

/** What is needed of sessionStorage. */
export type SessionPlace = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export function keptSession(place: SessionPlace): Session | undefined {
  try {
    const value = JSON.parse(place.getItem(KEY) ?? 'null') as Partial<Session> | null;
    if (typeof value?.token !== 'string' || typeof value.user !== 'string') return undefined;
    const { token, user, expires } = value;
    return { token, user, expires: typeof expires === 'string' ? expires : undefined };
  } catch {
    return undefined;
  }
}

export function keepSession(place: SessionPlace, session: Session): void {
  place.setItem(KEY, JSON.stringify(session));
}

export function forgetSession(place: SessionPlace): void {
  place.removeItem(KEY);
}

/** The code of `windlass console` in the address that it opened. */
export function codeIn(hash: string): string | undefined {
  return /^#code=([\w-]+)$/.exec(hash)?.[1];
}
