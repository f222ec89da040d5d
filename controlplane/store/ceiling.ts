// The record that keeps revisions from being handed out twice: with --relaxed some are seen by clients before they are durable, and
// a crash takes what they stood for. The record says, durably and ahead, how far they may go; a start that finds the log short of it
// begins above it. Clients that saw something in between have to list again.
import { CEILING_KIND } from '#persistence/log.ts';
import type { LogRecord } from '#persistence/provider.ts';
import type { Revision } from './types.ts';

const CEILING_KEY = 'ceiling';
/** Older ones than these are of clients that are long gone. */
const KEPT_LOSSES = 16;

/** Revisions after `after`, through `through`, may have been seen and lost, of these kinds. */
export interface Loss {
  readonly after: Revision;
  readonly through: Revision;
  readonly kinds: readonly string[];
}

export interface Ceiling {
  /** 0: none is handed out before it is durable. */
  readonly ceiling: Revision;
  /** Which kinds are acknowledged below it. */
  readonly kinds: readonly string[];
  readonly losses: readonly Loss[];
}

export const noCeiling: Ceiling = { ceiling: 0, kinds: [], losses: [] };

export function ceilingRecord(revision: Revision, ceiling: Ceiling): LogRecord {
  const value = Buffer.from(JSON.stringify(ceiling));
  return { revision, kind: CEILING_KIND, key: CEILING_KEY, value };
}

/** @throws SyntaxError, TypeError for what ceilingRecord() did not write */
export function parseCeiling(value: Uint8Array): Ceiling {
  const found = JSON.parse(Buffer.from(value).toString()) as Ceiling;
  const isWhole =
    Number.isSafeInteger(found.ceiling) &&
    Array.isArray(found.kinds) &&
    Array.isArray(found.losses);
  if (!isWhole) throw new TypeError('The ceiling record is not understood');
  return found;
}

/**
 * What a start makes of the ceiling that it found.
 *
 * @param newest the newest revision of an object in the log
 */
export function lossesAfterStart(found: Ceiling, newest: Revision): readonly Loss[] {
  if (found.ceiling <= newest) return found.losses;
  const loss = { after: newest, through: found.ceiling, kinds: found.kinds };
  return [...found.losses, loss].slice(-KEPT_LOSSES);
}

/** Whether somebody who saw `revision` of a resource may have seen what is lost. */
export function isLost(losses: readonly Loss[], resource: string, revision: Revision): boolean {
  return losses.some(
    ({ after, through, kinds }) =>
      revision > after && revision <= through && kinds.includes(resource),
  );
}
