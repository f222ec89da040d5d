// Which images this agent has pulled, or taken in when they were pushed: a file in its folder, so that a restart does not forget. What
// is not in it is somebody else's, and never removed.
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Logger } from '#platform/logging.ts';
import type { OwnImage } from './image-collection.ts';

export class OwnImages {
  readonly #path: string;
  readonly #images: Map<string, OwnImage>;
  #writing = Promise.resolve();

  private constructor(path: string, images: readonly OwnImage[]) {
    this.#path = path;
    this.#images = new Map(images.map((image) => [image.id, image]));
  }

  static async open(path: string, logger: Logger): Promise<OwnImages> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new OwnImages(path, []);
    }
    const images = parse(text);
    if (images === undefined)
      logger.warn('Cannot read which images are ours: none of them is ever removed', { path });
    return new OwnImages(path, images ?? []);
  }

  all(): readonly OwnImage[] {
    return [...this.#images.values()];
  }

  /** One has come. @param name under which */
  async add(id: string, name: string, now: number): Promise<void> {
    const known = this.#images.get(id);
    const names = [...new Set([...(known?.names ?? []), name])];
    this.#images.set(id, { id, names, since: known?.since ?? now, usedAt: now });
    await this.#write();
  }

  /** Those in use are; those that are not there any more are forgotten. */
  async note(inUse: ReadonlySet<string>, there: ReadonlySet<string>, now: number): Promise<void> {
    for (const image of this.all()) {
      if (!there.has(image.id)) this.#images.delete(image.id);
      else if (inUse.has(image.id)) this.#images.set(image.id, { ...image, usedAt: now });
    }
    await this.#write();
  }

  /** A kill leaves the old file or the new one. */
  #write(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        await writeFile(`${this.#path}.new`, JSON.stringify(this.all()), { mode: 0o600 });
        await rename(`${this.#path}.new`, this.#path);
      });
    return this.#writing;
  }
}

function parse(text: string): readonly OwnImage[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  return (value as unknown[]).filter(isOwnImage);
}

function isOwnImage(value: unknown): value is OwnImage {
  if (typeof value !== 'object' || value === null) return false;
  const { id, names, since, usedAt } = value as Readonly<Record<string, unknown>>;
  return (
    typeof id === 'string' &&
    Array.isArray(names) &&
    names.every((name) => typeof name === 'string') &&
    typeof since === 'number' &&
    typeof usedAt === 'number'
  );
}
