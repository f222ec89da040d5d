// Takes in images that are pushed to this machine without a registry: says what it lacks of one, stages what is sent, and has the
// runtime load it.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { ImageName, ImageStore } from '../runtimes/image-store.ts';
import type { ImageCall, PushedImage } from './image-call.ts';
import { ImageError } from './image-error.ts';
import type { StagedBlobs } from './staged-blobs.ts';

export interface ReceiverOptions {
  readonly blobs: StagedBlobs;
  /** Absent where the runtime keeps no images. */
  readonly store: ImageStore | undefined;
  readonly runtimeName: string;
  readonly clock: Clock;
  /** Told when an image has come, or one that was there has another name. */
  readonly changed: (id: string, name: string, isNew: boolean) => void;
}

/** The caller comes again when loading takes longer. */
const LOAD_ANSWER_MS = 15_000;
const CONFIG_LIMIT_BYTES = 8 << 20;

export type LoadState =
  | { readonly state: 'loaded' | 'loading' }
  /** Something has been removed since it was asked for: ask again. */
  | { readonly state: 'missing'; readonly missing: readonly string[] };

export class ImageReceiver {
  readonly #options: ReceiverOptions;
  readonly #loads = new Map<string, Promise<LoadState>>();

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** @returns what goes back as JSON. @throws ImageError */
  async call(call: ImageCall, body: Buffer, signal: AbortSignal): Promise<object> {
    const { store, runtimeName } = this.#options;
    if (store === undefined)
      throw new ImageError(
        400,
        'BadRequest',
        `this machine has the runtime ${runtimeName}, which keeps no images; start its agent with --runtime docker`,
      );
    switch (call.operation) {
      case 'plan':
        return this.#plan(store, call.image);
      case 'blob':
        return { received: await this.#options.blobs.append({ ...call, bytes: body }) };
      case 'load':
        return this.#load(store, call.image, signal);
    }
  }

  async #plan(store: ImageStore, image: PushedImage): Promise<object> {
    const { id, name } = image;
    const named = await store.idOf(`${name.repository}:${name.tag}`);
    if (named === id) return { state: 'present', blobs: [] };
    const isThere = (await store.idOf(id)) !== undefined;
    const { wanted } = isThere ? { wanted: [] } : await this.#wanted(store, image);
    const { blobs } = this.#options;
    const missing: { readonly digest: string; readonly received: number }[] = [];
    for (const digest of wanted)
      if (!(await blobs.has(digest)))
        missing.push({ digest, received: await blobs.received(digest) });
    return { state: isThere ? 'unnamed' : 'absent', blobs: missing };
  }

  /** Layers that the store lacks: all from `first` on, each named once. */
  async #wanted(
    store: ImageStore,
    { layers }: PushedImage,
  ): Promise<{ readonly first: number; readonly wanted: readonly string[] }> {
    const first = await store.knownLayers(layers);
    return { first, wanted: [...new Set(layers.slice(first))] };
  }

  async #load(store: ImageStore, image: PushedImage, signal: AbortSignal): Promise<LoadState> {
    const { clock } = this.#options;
    const { name, config = '' } = image;
    const key = [image.id, config, name.repository, name.tag].join(' ');
    let load = this.#loads.get(key);
    if (load === undefined) {
      // It goes on when the caller leaves; who comes again finds it.
      load = this.#run(store, image);
      this.#loads.set(key, load);
      const forget = (): void => void this.#loads.delete(key);
      load.then(forget, forget);
    }
    const later = sleep(clock, LOAD_ANSWER_MS, signal).then((): LoadState => ({
      state: 'loading',
    }));
    return Promise.race([load, later]);
  }

  async #run(store: ImageStore, image: PushedImage): Promise<LoadState> {
    const { blobs, changed } = this.#options;
    const { id, name, layers } = image;
    if ((await store.idOf(id)) !== undefined) {
      await store.tag(id, name);
      changed(id, text(name), false);
      return { state: 'loaded' };
    }
    const { first, wanted } = await this.#wanted(store, image);
    const missing: string[] = [];
    for (const digest of [...wanted, image.config ?? ''])
      if (!(await blobs.has(digest))) missing.push(digest);
    if (missing.length > 0) return { state: 'missing', missing };
    const config = await this.#config(image);
    const files = layers.map((diffID, at) =>
      at < first ? { diffID } : { diffID, file: blobs.fileOf(diffID) },
    );
    try {
      await store.load({ config, layers: files, name }, new AbortController().signal);
    } catch (error) {
      // Whatever is wrong with them, they are not used again.
      await blobs.remove(wanted);
      throw new ImageError(
        500,
        'InternalError',
        `the Engine does not load ${text(name)}: ${(error as Error).message}`,
        error,
      );
    }
    await blobs.remove([...wanted, image.config ?? '']);
    changed(id, text(name), true);
    return { state: 'loaded' };
  }

  /** The image's configuration, which must speak of these layers. */
  async #config({ config = '', layers }: PushedImage): Promise<Buffer> {
    const { blobs } = this.#options;
    const file = blobs.fileOf(config);
    const bytes = (await stat(file)).size > CONFIG_LIMIT_BYTES ? undefined : await readFile(file);
    const isIts =
      bytes !== undefined &&
      `sha256:${createHash('sha256').update(bytes).digest('hex')}` === config &&
      JSON.stringify(diffIDsOf(bytes)) === JSON.stringify(layers);
    if (isIts) return bytes;
    await blobs.remove([config]);
    throw new ImageError(
      400,
      'BadRequest',
      `${config} is no configuration of an image with these layers`,
    );
  }
}

function diffIDsOf(config: Buffer): unknown {
  try {
    const value = JSON.parse(config.toString('utf8')) as {
      readonly rootfs?: { readonly diff_ids?: unknown };
    } | null;
    return value?.rootfs?.diff_ids;
  } catch {
    return undefined;
  }
}

function text({ repository, tag }: ImageName): string {
  return `${repository}:${tag}`;
}
