// The parts of an image that are to be sent, taken out of the local Engine into a folder once for all machines.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  ExportedImage,
  LocalEngine,
  LocalImage,
} from '#controllers/runtimes/docker-local-image.ts';
import { CommandError } from '../usage-error.ts';

const PREFIX = 'windlass-image-push-';

export class ImageExport implements AsyncDisposable {
  readonly #engine: Pick<LocalEngine, 'export'>;
  readonly #image: LocalImage;
  readonly #name: string;
  readonly #folder: string;
  readonly #files = new Map<string, string>();
  #config: Buffer | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    engine: Pick<LocalEngine, 'export'>,
    image: LocalImage,
    name: string,
    folder: string,
  ) {
    this.#engine = engine;
    this.#image = image;
    this.#name = name;
    this.#folder = folder;
  }

  /** Makes its folder, and removes those of commands that were killed. */
  static async open(
    engine: Pick<LocalEngine, 'export'>,
    image: LocalImage,
    name: string,
  ): Promise<ImageExport> {
    await sweep(tmpdir());
    const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
    return new ImageExport(engine, image, name, folder);
  }

  /** Known after ensure(). */
  get config(): Buffer {
    if (this.#config === undefined) throw new Error('nothing has been exported');
    return this.#config;
  }

  /** Takes out what is not there yet of these layers, and the configuration. One at a time, however many ask. */
  async ensure(layers: readonly string[], signal: AbortSignal): Promise<void> {
    const before = this.#last;
    const exporting = (async (): Promise<void> => {
      await before.catch(() => undefined);
      const wanted = new Set(layers.filter((layer) => !this.#files.has(layer)));
      if (wanted.size > 0 || this.#config === undefined)
        this.#take(await this.#export(wanted, signal));
    })();
    this.#last = exporting;
    await exporting;
  }

  async layer(digest: string): Promise<{ readonly path: string; readonly size: number }> {
    const path = this.#files.get(digest);
    if (path === undefined) throw new Error(`layer ${digest} has not been exported`);
    return { path, size: (await stat(path)).size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last.catch(() => undefined);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #export(wanted: ReadonlySet<string>, signal: AbortSignal): Promise<ExportedImage> {
    try {
      return await this.#engine.export(this.#image, this.#name, wanted, this.#folder, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      throw new CommandError(
        `the disk of ${this.#folder} is full: the layers that are sent are put there first`,
        'Free some space, or set TMPDIR to a folder on another disk.',
        { cause: error },
      );
    }
  }

  #take({ config, files }: ExportedImage): void {
    this.#config = config;
    for (const [digest, path] of files) this.#files.set(digest, path);
  }
}

/** What a command leaves behind that was killed. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/^windlass-image-push-(\d+)-/.exec(name)?.[1] ?? 0);
    if (pid > 0 && !lives(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
