// The `continue` parameter of lists: where to go on, and at which revision. Opaque to clients, the same JSON as upstream's
// (k8s.io/apiserver pkg/storage/continue.go): base64url without padding of {"v","rv","start"}.
import { badRequest } from '../api/errors.ts';
import type { Position } from './keys.ts';
import type { Revision } from './types.ts';

const VERSION = 'meta.k8s.io/v1';
/** Stands for "whatever is newest": a list that goes on although its revision is gone. */
export const INCONSISTENT: Revision = -1;

export interface ContinueToken {
  /** Revision of the list's first page, or INCONSISTENT. */
  readonly revision: Revision;
  readonly startAfter: Position;
}

export function encodeContinueToken({ revision, startAfter }: ContinueToken): string {
  const { namespace, name } = startAfter;
  const start = `${namespace === '' ? '' : `${namespace}/`}${name}\0`;
  return Buffer.from(JSON.stringify({ v: VERSION, rv: revision, start })).toString('base64url');
}

/** @throws ApiError 400 `continue key is not valid: …` */
export function decodeContinueToken(token: string): ContinueToken {
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(token)) throw invalidToken('it is not base64url');
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw invalidToken('it does not hold JSON');
  }
  if (typeof decoded !== 'object' || decoded === null) throw invalidToken('it is not an object');
  const { v, rv, start } = decoded as Readonly<Record<string, unknown>>;
  if (v !== VERSION) throw invalidToken('its version is unknown');
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < INCONSISTENT) {
    throw invalidToken('its resource version is not valid');
  }
  if (typeof start !== 'string') throw invalidToken('it has no start');
  const match = /^(?:([^/\0]+)\/)?([^/\0]+)\0$/.exec(start);
  if (match === null) throw invalidToken('its start is not a position');
  return { revision: rv, startAfter: { namespace: match[1] ?? '', name: match[2] ?? '' } };
}

function invalidToken(why: string): Error {
  return badRequest(`continue key is not valid: ${why}`);
}
