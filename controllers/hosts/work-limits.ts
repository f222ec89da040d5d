// How many machines of one Cluster are worked on at a time, how many files are on their way to them, and how many those fetch
// themselves: the limits that it declares, kept by every controller that works on its machines.
import type { HostDriver } from './host-driver.ts';
import { Slots } from './slots.ts';

/** `spec.concurrency` of a Cluster. 0: no limit. */
export interface DeclaredLimits {
  readonly operations?: number | undefined;
  readonly uploads?: number | undefined;
  readonly downloads?: number | undefined;
}

export interface WorkLimits {
  /** Machines worked on. */
  readonly operations: Slots;
  /** Files sent to hosts. */
  readonly uploads: Slots;
  /** Files that hosts fetch. */
  readonly downloads: Slots;
}

const OPERATIONS = 30;
const TRANSFERS = 5;

/** One for all controllers of a process. */
export class LimitGroups {
  readonly #groups = new Map<string, WorkLimits>();

  /** @param group of those who share the limits, which are those that were given last */
  of(
    group: string,
    { operations = OPERATIONS, uploads = TRANSFERS, downloads = TRANSFERS }: DeclaredLimits,
  ): WorkLimits {
    const known = this.#groups.get(group);
    if (known === undefined) {
      const made = {
        operations: new Slots(operations),
        uploads: new Slots(uploads),
        downloads: new Slots(downloads),
      };
      this.#groups.set(group, made);
      return made;
    }
    known.operations.setLimit(operations);
    known.uploads.setLimit(uploads);
    known.downloads.setLimit(downloads);
    return known;
  }
}

/** For machines of no Cluster. */
export const unlimited: WorkLimits = {
  operations: new Slots(0),
  uploads: new Slots(0),
  downloads: new Slots(0),
};

/** The same host; what is sent to it as a stream waits for its turn. Texts are written at once: units and settings are small. */
export function limitedHost(
  host: HostDriver,
  { uploads }: Pick<WorkLimits, 'uploads'>,
): HostDriver {
  return {
    name: host.name,
    services: host.services,
    facts: (signal) => host.facts(signal),
    exec: (command, options) => host.exec(command, options),
    stat: (path, signal) => host.stat(path, signal),
    list: (path, signal) => host.list(path, signal),
    readFile: (path, signal, maxBytes) => host.readFile(path, signal, maxBytes),
    digest: (path, signal) => host.digest(path, signal),
    rename: (from, to, signal) => host.rename(from, to, signal),
    remove: (path, signal) => host.remove(path, signal),
    putFile: (path, content, options) =>
      isStream(content)
        ? uploads.run(options.signal, () => host.putFile(path, content, options))
        : host.putFile(path, content, options),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

function isStream(
  content: AsyncIterable<Uint8Array> | Uint8Array | string,
): content is AsyncIterable<Uint8Array> {
  return typeof content !== 'string' && !(content instanceof Uint8Array);
}
