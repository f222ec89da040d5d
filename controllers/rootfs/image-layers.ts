// Layers of an image, one on the other, as one tree: contents go into one spool file of this machine, names into an ImageTree.
// Whiteouts hide what layers below have, never what their own layer brings.
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';
import { bounded } from './bounded.ts';
import type { Compression } from '../binaries/image-manifest.ts';
import { ImageTree, partsOf, TreeError } from './image-tree.ts';
import type { Content, TreeNode } from './image-tree.ts';

type Change =
  | { readonly change: 'hide'; readonly path: string }
  | { readonly change: 'empty'; readonly path: string }
  | { readonly change: 'put'; readonly path: string; readonly node: TreeNode }
  | { readonly change: 'link'; readonly path: string; readonly target: string };

export interface LayerOptions {
  /** Of all contents together; 64 GiB by default. */
  readonly mostBytes?: number;
  /** Whether it is one: names may hide those of layers below, and programs may make their user root. True by default. */
  readonly isImage?: boolean;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Of all contents together: an archive may be tiny and unpack without end. */
const MOST_BYTES = 64 * 2 ** 30;

/** In all layers, whether they are kept or not. */
const MOST_ENTRIES = 4_000_000;
/** With what is left out, headers and padding. */
const MOST_ARCHIVE_BYTES = 2 * MOST_BYTES;

export class LayeredImage {
  readonly tree = new ImageTree();
  readonly #spool: FileHandle;
  readonly #mostBytes: number;
  readonly #isImage: boolean;
  #length = 0;
  #entries = 0;

  constructor(spool: FileHandle, { mostBytes = MOST_BYTES, isImage = true }: LayerOptions = {}) {
    this.#spool = spool;
    this.#mostBytes = mostBytes;
    this.#isImage = isImage;
  }

  /** @throws TreeError for entries that lead out of the root, or too many bytes; what the streams say for broken archives */
  async add(
    layer: AsyncIterable<Uint8Array>,
    compression: Compression,
    signal: AbortSignal,
  ): Promise<void> {
    const changes: Change[] = [];
    const entries = extract();
    const reading = (async () => {
      for await (const entry of entries) {
        changes.push(...(await this.#changesOf(entry.header, entry as AsyncIterable<Uint8Array>)));
        entry.resume();
      }
    })();
    const unpacker =
      compression === 'gzip'
        ? [createGunzip()]
        : compression === 'zstd'
          ? [createZstdDecompress()]
          : [];
    try {
      await Promise.all([
        pipeline(
          [Readable.from(layer), ...unpacker, bounded(MOST_ARCHIVE_BYTES, 'a layer'), entries],
          { signal },
        ),
        reading,
      ]);
    } catch (error) {
      entries.destroy();
      await reading.catch(() => undefined);
      if (signal.aborted) throw signal.reason;
      throw error;
    }
    for (const each of changes) if (each.change === 'hide') this.tree.remove(each.path);
    for (const each of changes) if (each.change === 'empty') this.tree.empty(each.path);
    for (const each of changes) {
      if (each.change === 'put') this.tree.put(each.path, each.node);
      else if (each.change === 'link') this.tree.link(each.path, each.target);
    }
  }

  /** The bytes of a file of the tree. */
  async *read({ offset, size }: Content): AsyncGenerator<Uint8Array> {
    const end = offset + size;
    for (let at = offset; at < end;) {
      const piece = Buffer.allocUnsafe(Math.min(1 << 20, end - at));
      // The next piece begins where this one ends.
      const { bytesRead } = await this.#spool.read(piece, 0, piece.length, at);
      if (bytesRead === 0)
        throw new Error('the spool file of the image is shorter than what was put into it');
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async #changesOf(header: Header, content: AsyncIterable<Uint8Array>): Promise<readonly Change[]> {
    const parts = partsOf(header.name);
    const path = parts.join('/');
    const name = parts.at(-1) ?? '';
    const folder = parts.slice(0, -1).join('/');
    this.#entries += 1;
    if (this.#entries > MOST_ENTRIES)
      throw new TreeError(`the image has more than ${MOST_ENTRIES} entries`);
    if (this.#isImage && name === OPAQUE) return [{ change: 'empty', path: folder }];
    if (this.#isImage && name.startsWith(WHITEOUT)) {
      const hidden = name.slice(WHITEOUT.length);
      if (hidden === '' || hidden === '.' || hidden === '..')
        throw new TreeError(`${JSON.stringify(path)} hides nothing that has a name`);
      return [{ change: 'hide', path: folder === '' ? hidden : `${folder}/${hidden}` }];
    }
    const common = {
      mode: (header.mode ?? 0o644) & (this.#isImage ? 0o7777 : 0o777),
      uid: header.uid ?? 0,
      gid: header.gid ?? 0,
      modified: Math.trunc((header.mtime?.getTime() ?? 0) / 1000),
    };
    switch (header.type) {
      case 'directory':
        return [{ change: 'put', path, node: { ...common, kind: 'directory' } }];
      case 'symlink':
        return [
          {
            change: 'put',
            path,
            node: { ...common, kind: 'symlink', target: header.linkname ?? '' },
          },
        ];
      case 'link':
        return [{ change: 'link', path, target: partsOf(header.linkname ?? '').join('/') }];
      case 'fifo':
        return [{ change: 'put', path, node: { ...common, kind: 'fifo' } }];
      case 'character-device':
      case 'block-device':
        // systemd-nspawn brings its own /dev, and only root could make these.
        return [];
      case 'file':
      case 'contiguous-file':
      case null:
      case undefined: {
        const spooled = await this.#spoolAll(content);
        return [{ change: 'put', path, node: { ...common, kind: 'file', content: spooled } }];
      }
      default:
        // Headers about headers; tar-stream has read them already.
        return [];
    }
  }

  async #spoolAll(content: AsyncIterable<Uint8Array>): Promise<Content> {
    const offset = this.#length;
    for await (const piece of content) {
      if (this.#length + piece.length > this.#mostBytes)
        throw new TreeError(`the image unpacks to more than ${this.#mostBytes} bytes`);
      await this.#spool.write(piece, 0, piece.length, this.#length);
      this.#length += piece.length;
    }
    return { offset, size: this.#length - offset };
  }
}
