// Makes OCI layouts with given layers, for tests.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Header } from 'tar-stream';

export type FixtureEntry = Partial<Header> & {
  readonly name: string;
  readonly text?: string | Buffer;
};

const OCI = 'application/vnd.oci.image';
const DOCKER = 'application/vnd.docker';

export async function tarOf(entries: readonly FixtureEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { text, ...header } of entries) {
    const isFile = (header.type ?? 'file') === 'file';
    const whole = { mode: 0o755, ...header, mtime: new Date(0) };
    if (isFile) archive.entry(whole, text ?? '');
    else archive.entry(whole);
  }
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

export interface FixtureImage {
  readonly tag?: string;
  /** Each is one manifest of the index: `linux/amd64`; absent: one manifest that does not say. */
  readonly platforms?: readonly string[];
  /** Each as entries, or as a tar archive that is there. */
  readonly layers: readonly (readonly FixtureEntry[] | Buffer)[];
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** Media types as Docker writes them. */
  readonly isDocker?: boolean;
}

/** A root that boots nothing but has what a root must have. */
export function bootable(...more: readonly FixtureEntry[]): readonly FixtureEntry[] {
  return [
    { name: 'sbin/', type: 'directory' },
    { name: 'sbin/init', text: '#!/bin/sh\nexec sleep 100000\n' },
    { name: 'etc/', type: 'directory' },
    ...more,
  ];
}

/** Content of an image: digests to bytes, and the bytes of its index. */
export async function imageBlobs(image: FixtureImage): Promise<{
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly index: Buffer;
  readonly manifests: readonly Buffer[];
}> {
  const { compression = 'gzip', isDocker = false, platforms = [undefined] } = image;
  const blobs = new Map<string, Buffer>();
  const described = (mediaType: string, content: Buffer): object => {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    blobs.set(digest, content);
    return { mediaType, digest, size: content.length };
  };
  const suffix = compression === 'none' ? '' : isDocker ? `.${compression}` : `+${compression}`;
  const layerType = isDocker ? `${DOCKER}.image.rootfs.diff.tar` : `${OCI}.layer.v1.tar`;
  const packed = await Promise.all(
    image.layers.map(async (layer) => (Buffer.isBuffer(layer) ? layer : tarOf(layer))),
  );
  const layers = packed.map((content) => {
    if (compression === 'none') return described(layerType, content);
    const bytes = compression === 'gzip' ? gzipSync(content) : zstdCompressSync(content);
    return described(layerType + suffix, bytes);
  });
  const manifests: Buffer[] = [];
  const entries = platforms.map((platform) => {
    const [os, architecture] = platform?.split('/') ?? [];
    const config = Buffer.from(JSON.stringify({ os, architecture }));
    const mediaType = isDocker
      ? `${DOCKER}.distribution.manifest.v2+json`
      : `${OCI}.manifest.v1+json`;
    const configType = isDocker ? `${DOCKER}.container.image.v1+json` : `${OCI}.config.v1+json`;
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType,
        config: described(configType, config),
        layers,
      }),
    );
    manifests.push(manifest);
    const annotations = { 'org.opencontainers.image.ref.name': image.tag ?? 'latest' };
    const more = platform === undefined ? {} : { platform: { os, architecture } };
    return { ...described(mediaType, manifest), annotations, ...more };
  });
  const mediaType = isDocker
    ? `${DOCKER}.distribution.manifest.list.v2+json`
    : `${OCI}.index.v1+json`;
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: entries }));
  return { blobs, index, manifests };
}

/** @returns `oci-layout:FOLDER` */
export async function writeLayout(folder: string, image: FixtureImage): Promise<string> {
  const { blobs, index } = await imageBlobs(image);
  await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true });
  for (const [digest, content] of blobs)
    await writeFile(join(folder, 'blobs', 'sha256', digest.slice(7)), content);
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(folder, 'index.json'), index);
  return `oci-layout:${folder}`;
}
