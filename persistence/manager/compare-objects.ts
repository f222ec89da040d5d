// Whether a replica that keeps objects without a log has what the primary has: what it lost or kept too long nobody can see from it alone.
import { createHash } from 'node:crypto';
import { CorruptDataError } from '../errors.ts';
import type { Verified } from '../provider.ts';
import type { ManagedInstance } from './instance.ts';

/** Of what differs so many are named. */
const NAMED = 5;

export interface Comparison {
  /** Must not be compacted meanwhile: deletions are told from its history. */
  readonly primary: ManagedInstance;
  readonly replica: ManagedInstance;
  /** The replica has every change up to here; what comes later may be there or not. */
  readonly reached: number;
  readonly signal: AbortSignal;
}

/** @throws CorruptDataError that names what differs */
export async function compareObjects({
  primary,
  replica,
  reached,
  signal,
}: Comparison): Promise<Verified> {
  const kinds = new Set<string>();
  for await (const page of primary.provider.replay(primary.name, signal))
    for (const { kind } of page) kinds.add(kind);
  const held = new Map<string, string>();
  let bytes = 0;
  for (const kind of kinds) {
    signal.throwIfAborted();
    for (const { key, value } of await replica.provider.getAllObjects(replica.name, kind)) {
      held.set(`${kind} ${key}`, digestOf(value));
      bytes += value.byteLength;
    }
  }
  // Again, as objects may have been changed and deleted before the replica was asked.
  const wanted = new Map<string, { readonly revision: number; readonly digest?: string }>();
  for await (const page of primary.provider.replay(primary.name, signal)) {
    for (const { kind, key, revision, value } of page)
      wanted.set(
        `${kind} ${key}`,
        value === undefined ? { revision } : { revision, digest: digestOf(value) },
      );
  }
  const wrong = [...new Set([...wanted.keys(), ...held.keys()])].flatMap((id) => {
    const { revision = 0, digest } = wanted.get(id) ?? {};
    if (revision > reached || digest === held.get(id)) return [];
    if (digest === undefined) return `${id} is there and should not`;
    return held.has(id) ? `${id} is another version` : `${id} is missing`;
  });
  if (wrong.length === 0) return { records: held.size, bytes, revision: reached };
  const more = wrong.length > NAMED ? ` and ${wrong.length - NAMED} more` : '';
  throw new CorruptDataError(
    `${replica.location} does not hold what the primary holds: ${wrong.slice(0, NAMED).join(', ')}${more}; make it anew with: windlass persistence resync ${replica.name}`,
  );
}

function digestOf(value: Uint8Array): string {
  return createHash('sha256').update(value).digest('base64');
}
