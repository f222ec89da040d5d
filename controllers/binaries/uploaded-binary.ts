// Binaries that are sent from here: out of the store, filled once for all hosts, or from a file of this machine.
import { stat } from 'node:fs/promises';
import type { ArtifactSource } from './artifact-source.ts';
import { fileSource, httpSource } from './artifact-source.ts';
import { needsUpgrade, temporaryPath } from './binary-host.ts';
import type { BinaryHost } from './binary-host.ts';
import type { BinaryCacher, BinaryProvider } from './binary-provider.ts';
import { digestOfFile } from './digest.ts';
import type { ProviderParts, WantedBinary } from './pulled-binary.ts';
import { redactURL } from './redact-url.ts';
import { expandTemplate } from './url-template.ts';

const MODE = 0o755;

/** Fetched into the store once, from a URL (a template), and sent to each host. */
export function newLocalUpload(
  host: BinaryHost,
  wanted: WantedBinary & { readonly url: string },
  parts: ProviderParts,
): BinaryProvider & BinaryCacher {
  const { os, architecture } = host;
  const url = expandTemplate(wanted.url, { os, architecture, version: wanted.version ?? '' });
  const { headers = {} } = wanted;
  return new UploadedBinary(
    host,
    wanted,
    url,
    httpSource(parts.fetcher.http, { url, headers }),
    parts,
  );
}

/** A file of this machine: the host's is another when its digest is. */
export function newLocalFile(host: BinaryHost, path: string, parts: ProviderParts): BinaryProvider {
  return new LocalFileBinary(host, path, parts);
}

class UploadedBinary implements BinaryProvider, BinaryCacher {
  readonly #host: BinaryHost;
  readonly #wanted: WantedBinary;
  readonly #url: string;
  readonly #source: ArtifactSource;
  readonly #parts: ProviderParts;
  #digest: string | undefined;
  #staged: string | undefined;

  constructor(
    host: BinaryHost,
    wanted: WantedBinary,
    url: string,
    source: ArtifactSource,
    parts: ProviderParts,
  ) {
    this.#host = host;
    this.#wanted = wanted;
    this.#url = url;
    this.#source = source;
    this.#parts = parts;
  }

  needsUpgrade(signal: AbortSignal): Promise<boolean> {
    return needsUpgrade(this.#host, this.#wanted.version, this.#wanted.digest, signal);
  }

  isUpload(): boolean {
    return true;
  }

  binaryCacheKey(): string {
    const { os, architecture } = this.#host;
    const { version, digest } = this.#wanted;
    const bytes = 'sha256' in digest ? digest.sha256 : redactURL(digest.sha256From.url);
    return `${os}/${architecture}/${version ?? redactURL(this.#url)}@${bytes}`;
  }

  async ensureCached(signal: AbortSignal): Promise<void> {
    const fileName = decodeURIComponent(new URL(this.#url).pathname.replace(/^.*\//, ''));
    const { digest } = this.#wanted;
    const wanted = { digest, sources: [this.#source], fileName };
    this.#digest = (await this.#parts.fetcher.ensure(wanted, { signal })).digest;
  }

  async stage(signal: AbortSignal): Promise<string> {
    const { fetcher, ids } = this.#parts;
    // Another host of the same key may have filled the cache: this finds it, and costs nothing.
    if (this.#digest === undefined) await this.ensureCached(signal);
    const digest = this.#digest ?? '';
    const path = temporaryPath(this.#host, ids);
    this.#staged = path;
    await this.#host.driver.putFile(path, fetcher.store.read(digest, signal), {
      signal,
      sha256: digest,
      mode: MODE,
    });
    return path;
  }

  async cleanUp(signal: AbortSignal): Promise<void> {
    if (this.#staged === undefined) return;
    await this.#host.driver.remove(this.#staged, signal).catch(() => undefined);
    this.#staged = undefined;
  }
}

class LocalFileBinary implements BinaryProvider {
  readonly #host: BinaryHost;
  readonly #path: string;
  readonly #parts: ProviderParts;
  #staged: string | undefined;

  constructor(host: BinaryHost, path: string, parts: ProviderParts) {
    this.#host = host;
    this.#path = path;
    this.#parts = parts;
  }

  async needsUpgrade(signal: AbortSignal): Promise<boolean> {
    const { driver, installPath } = this.#host;
    const there = await driver.stat(installPath, signal);
    const here = await stat(this.#path).catch(() => undefined);
    if (there === undefined || here === undefined || there.size !== here.size) return true;
    return (await driver.digest(installPath, signal)) !== (await digestOfFile(this.#path, signal));
  }

  isUpload(): boolean {
    return true;
  }

  /** Through the store: a file that changes while it is sent would arrive as neither. */
  async stage(signal: AbortSignal): Promise<string> {
    const { fetcher, ids } = this.#parts;
    const source = fileSource(this.#path);
    const sha256 = await digestOfFile(this.#path, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new Error(`${this.#path} cannot be read: ${(error as Error).message}`);
    });
    const { digest } = await fetcher.ensure({ digest: { sha256 }, sources: [source] }, { signal });
    const path = temporaryPath(this.#host, ids);
    this.#staged = path;
    const { mtimeMs } = await stat(this.#path);
    await this.#host.driver.putFile(path, fetcher.store.read(digest, signal), {
      signal,
      sha256: digest,
      mode: MODE,
      modifiedMillis: Math.floor(mtimeMs),
    });
    return path;
  }

  async cleanUp(signal: AbortSignal): Promise<void> {
    if (this.#staged === undefined) return;
    await this.#host.driver.remove(this.#staged, signal).catch(() => undefined);
    this.#staged = undefined;
  }
}
