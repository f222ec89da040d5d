// Which address of this machine stands for which service: the same one after a restart, since processes that outlive the agent hold on
// to it. An address follows from a hash; where two services meet at one, the later takes the next free one.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import type { Logger } from '#platform/logging.ts';

export interface AddressBookOptions {
  readonly file: string;
  readonly logger: Logger;
  /** Different for each agent of a machine, so that they do not meet. */
  readonly seed: string;
  /** How many addresses there are, and which is which. */
  readonly size: number;
  readonly addressOf: (index: number) => string;
}

export interface Entry {
  readonly index: number;
  readonly address: string;
  /** Its declared ports were asked for by name: they are opened again at the next start. */
  isResolved: boolean;
  /** Where declared ports are reached beside their own number. */
  readonly ports: Map<number, number>;
}

interface Stored {
  readonly index: number;
  readonly isResolved: boolean;
  readonly ports: readonly (readonly [number, number])[];
}

export class AddressBook {
  readonly #options: AddressBookOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #taken = new Set<number>();
  #writing = Promise.resolve();
  #isDirty = false;

  constructor(options: AddressBookOptions) {
    this.#options = options;
    for (const [key, stored] of Object.entries(readBook(options.file))) {
      if (stored.index >= options.size || this.#taken.has(stored.index)) continue;
      this.#put(key, stored);
    }
  }

  keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  find(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** @throws Error when all addresses are taken */
  entry(key: string): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const { seed, size } = this.#options;
    if (this.#taken.size >= size) throw new Error(`all ${size} addresses for names are taken`);
    const digest = createHash('sha256').update(`${seed}\n${key}`).digest();
    let index = digest.readUInt32BE(0) % size;
    while (this.#taken.has(index)) index = (index + 1) % size;
    const entry = this.#put(key, { index, isResolved: false, ports: [] });
    this.changed();
    return entry;
  }

  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#taken.delete(entry.index);
    this.changed();
  }

  /** Writes it down; several changes at once make one write. */
  changed(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#writing = this.#writing.then(() => this.#write());
  }

  /** Resolves when everything is written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #put(key: string, { index, isResolved, ports }: Stored): Entry {
    const address = this.#options.addressOf(index);
    const entry = { index, address, isResolved, ports: new Map(ports) };
    this.#entries.set(key, entry);
    this.#taken.add(index);
    return entry;
  }

  async #write(): Promise<void> {
    this.#isDirty = false;
    const { file, logger } = this.#options;
    const stored = Object.fromEntries(
      [...this.#entries].map(([key, { index, isResolved, ports }]): [string, Stored] => [
        key,
        { index, isResolved, ports: [...ports] },
      ]),
    );
    try {
      await writeFile(`${file}.new`, JSON.stringify(stored), { mode: 0o600 });
      await rename(`${file}.new`, file);
    } catch (error) {
      logger.warn('Cannot write down the addresses of names; a restart may change them', { error });
    }
  }
}

/** A book that is absent or torn is an empty one: addresses follow from hashes, most are found again. */
function readBook(file: string): Readonly<Record<string, Stored>> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value as Record<string, unknown>).flatMap(([key, entry]) => {
        const stored = storedOf(entry);
        return stored === undefined ? [] : [[key, stored]];
      }),
    );
  } catch {
    return {};
  }
}

function storedOf(value: unknown): Stored | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { index, isResolved, ports } = value as Readonly<Record<string, unknown>>;
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0) return undefined;
  const pairs = (Array.isArray(ports) ? ports : []).filter(
    (pair): pair is [number, number] =>
      Array.isArray(pair) && pair.length === 2 && pair.every((port) => Number.isInteger(port)),
  );
  return { index, isResolved: isResolved === true, ports: pairs };
}
