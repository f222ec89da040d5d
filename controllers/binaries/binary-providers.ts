// Which provider a host gets: its own where one was set, else by what its specification says; sources of others can be registered.
import type { PublishedDigest } from './artifact-fetcher.ts';
import { ArtifactError } from './artifact-error.ts';
import type { BinaryHost } from './binary-host.ts';
import type { BinaryCacher, BinaryProvider } from './binary-provider.ts';
import { newExisting } from './existing-binary.ts';
import type { Headers } from './http-answer.ts';
import { newCustomURL, newGitHub } from './pulled-binary.ts';
import type { ProviderParts } from './pulled-binary.ts';
import { newLocalFile, newLocalUpload } from './uploaded-binary.ts';
import { gitHubURL } from './url-template.ts';
import type { GitHubRelease } from './url-template.ts';

export interface BinarySpec {
  readonly version?: string;
  /** Needed for all that comes over the network. */
  readonly digest?: PublishedDigest;
  /** Excludes `localPath`, `upload` and `url`. */
  readonly useExisting?: boolean;
  /** A file of this machine, to be sent. */
  readonly localPath?: string;
  /** Fetched here and sent, instead of fetched by the host. */
  readonly upload?: boolean;
  /** A template; default: the release. */
  readonly url?: string;
  readonly release?: GitHubRelease;
  readonly headers?: Headers;
  /** Name of a registered source. */
  readonly source?: string;
}

export type AnyBinaryProvider = BinaryProvider | (BinaryProvider & BinaryCacher);
export type MakeProvider = (
  host: BinaryHost,
  spec: BinarySpec,
  parts: ProviderParts,
) => AnyBinaryProvider;

export class BinaryProviders {
  readonly #parts: ProviderParts;
  readonly #sources = new Map<string, MakeProvider>();
  /** By name of the host. */
  readonly #own = new Map<string, AnyBinaryProvider>();
  /** By host and specification: a provider remembers what it staged. */
  readonly #made = new Map<string, AnyBinaryProvider>();

  constructor(parts: ProviderParts) {
    this.#parts = parts;
  }

  /** A source of somebody else's, for specifications that name it. @throws Error when the name is taken */
  register(source: string, make: MakeProvider): void {
    if (this.#sources.has(source))
      throw new Error(`source ${JSON.stringify(source)} is registered already`);
    this.#sources.set(source, make);
  }

  /** A host's own provider goes before everything its specification says. */
  setProvider(hostName: string, provider: AnyBinaryProvider): void {
    this.#own.set(hostName, provider);
  }

  /** @throws ArtifactError `Invalid` for a specification that makes no sense */
  providerFor(hostName: string, host: BinaryHost, spec: BinarySpec): AnyBinaryProvider {
    const own = this.#own.get(hostName);
    if (own !== undefined) return own;
    const key = JSON.stringify([hostName, spec]);
    const made = this.#made.get(key) ?? this.#make(host, spec);
    this.#made.set(key, made);
    return made;
  }

  #make(host: BinaryHost, spec: BinarySpec): AnyBinaryProvider {
    const problem = problemOf(spec, this.#sources);
    if (problem !== undefined) throw new ArtifactError('Invalid', problem);
    const parts = this.#parts;
    const make = spec.source === undefined ? undefined : this.#sources.get(spec.source);
    if (make !== undefined) return make(host, spec, parts);
    if (spec.useExisting === true) return newExisting(host);
    if (spec.localPath !== undefined) return newLocalFile(host, spec.localPath, parts);
    const { digest = { sha256: '' }, url, release, version, headers = {} } = spec;
    const wanted = { digest, headers, ...(version === undefined ? {} : { version }) };
    if (spec.upload === true) {
      const { os, architecture } = host;
      const values = { os, architecture, version: version ?? '' };
      const address =
        url ?? (release === undefined ? '' : gitHubURL(release, values).replaceAll('%', '%%'));
      return newLocalUpload(host, { ...wanted, url: address }, parts);
    }
    if (url !== undefined) return newCustomURL(host, { ...wanted, url }, parts);
    return newGitHub(host, { ...wanted, release: release as GitHubRelease }, parts);
  }
}

function problemOf(spec: BinarySpec, sources: ReadonlyMap<string, unknown>): string | undefined {
  const { useExisting, localPath, upload, url, release, digest, source, version } = spec;
  if (source !== undefined)
    return sources.has(source) ? undefined : `there is no source ${JSON.stringify(source)}`;
  if (useExisting === true) {
    if (localPath !== undefined) return 'localPath cannot be set with useExisting';
    if (upload === true) return 'upload cannot be true with useExisting';
    return url === undefined ? undefined : 'url cannot be set with useExisting';
  }
  if (localPath !== undefined) return undefined;
  if (url === undefined && release === undefined) return 'give a source: localPath, url or release';
  if (version === undefined && url === undefined)
    return 'version is missing, and the release needs it';
  return digest === undefined
    ? 'digest is missing: what comes over the network is compared with it'
    : undefined;
}
