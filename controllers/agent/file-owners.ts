// Whose the files of a volume are: the Pod's annotation windlass.dev/file-owners, `{"<volume>": {"uid": 1, "gid": 1}}`. Pure.
import { StartError } from '../runtimes/runtime.ts';
import type { Pod } from './pod.ts';

export const FILE_OWNERS_ANNOTATION = 'windlass.dev/file-owners';

/** Absent parts stay those of the agent. */
export interface FileOwner {
  readonly uid?: number;
  readonly gid?: number;
}

const LARGEST_ID = 2 ** 32 - 2;

/** By volume. @throws StartError CreateContainerConfigError */
export function fileOwnersOf(pod: Pod): ReadonlyMap<string, FileOwner> {
  const text = pod.metadata.annotations?.[FILE_OWNERS_ANNOTATION];
  if (text === undefined || text.trim() === '') return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(`is not valid JSON (${(error as Error).message})`);
  }
  if (!isMap(value)) throw wrong('must be an object of volumes');
  return new Map(
    Object.entries(value).map(([volume, owner]) => {
      if (!isMap(owner)) throw wrong(`must give uid and gid for volume ${volume}`);
      const { uid, gid } = owner;
      return [volume, { ...id(volume, 'uid', uid), ...id(volume, 'gid', gid) }];
    }),
  );
}

function id(volume: string, name: 'uid' | 'gid', value: unknown): FileOwner {
  if (value === undefined || value === null) return {};
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LARGEST_ID)
    return { [name]: value };
  throw wrong(`has the ${name} ${JSON.stringify(value)} for volume ${volume}: use a whole number`);
}

function wrong(why: string): StartError {
  return new StartError(
    'CreateContainerConfigError',
    `Annotation ${FILE_OWNERS_ANNOTATION} ${why}`,
  );
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
