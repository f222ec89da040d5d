// Binaries that hosts fetch themselves: from a release on GitHub, or any URL.
import type { IdSource } from '#platform/id.ts';
import type { ArtifactFetcher, PublishedDigest } from './artifact-fetcher.ts';
import { needsUpgrade, temporaryPath } from './binary-host.ts';
import type { BinaryHost } from './binary-host.ts';
import type { BinaryProvider } from './binary-provider.ts';
import type { Headers } from './http-answer.ts';
import { pullOnHost } from './pull-on-host.ts';
import { expandTemplate, gitHubURL } from './url-template.ts';
import type { GitHubRelease } from './url-template.ts';

export interface ProviderParts {
  readonly fetcher: ArtifactFetcher;
  readonly ids: IdSource;
}

export interface WantedBinary {
  /** Absent: only the digest tells whether it is there. */
  readonly version?: string;
  readonly digest: PublishedDigest;
  /** Secret. */
  readonly headers?: Headers;
}

export function newGitHub(
  host: BinaryHost,
  wanted: WantedBinary & { readonly release: GitHubRelease; readonly baseURL?: string },
  parts: ProviderParts,
): BinaryProvider {
  return new PulledBinary(
    host,
    wanted,
    gitHubURL(wanted.release, valuesOf(host, wanted), wanted.baseURL),
    parts,
  );
}

/** @param wanted.url a template */
export function newCustomURL(
  host: BinaryHost,
  wanted: WantedBinary & { readonly url: string },
  parts: ProviderParts,
): BinaryProvider {
  return new PulledBinary(host, wanted, expandTemplate(wanted.url, valuesOf(host, wanted)), parts);
}

function valuesOf({ os, architecture }: BinaryHost, { version = '' }: WantedBinary) {
  return { os, architecture, version };
}

class PulledBinary implements BinaryProvider {
  readonly #host: BinaryHost;
  readonly #wanted: WantedBinary;
  readonly #url: string;
  readonly #parts: ProviderParts;
  #staged: string | undefined;

  constructor(host: BinaryHost, wanted: WantedBinary, url: string, parts: ProviderParts) {
    this.#host = host;
    this.#wanted = wanted;
    this.#url = url;
    this.#parts = parts;
  }

  needsUpgrade(signal: AbortSignal): Promise<boolean> {
    return needsUpgrade(this.#host, this.#wanted.version, this.#wanted.digest, signal);
  }

  isUpload(): boolean {
    return false;
  }

  async stage(signal: AbortSignal): Promise<string> {
    const { fetcher, ids } = this.#parts;
    const { digest, headers = {} } = this.#wanted;
    const fileName = new URL(this.#url).pathname.replace(/^.*\//, '');
    const sha256 = await fetcher.digestOf(digest, decodeURIComponent(fileName), { signal });
    const path = temporaryPath(this.#host, ids);
    this.#staged = path;
    await pullOnHost(this.#host.driver, { url: this.#url, headers, sha256, path }, signal);
    return path;
  }

  async cleanUp(signal: AbortSignal): Promise<void> {
    if (this.#staged === undefined) return;
    await this.#host.driver.remove(this.#staged, signal).catch(() => undefined);
    this.#staged = undefined;
  }
}
