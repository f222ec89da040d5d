// From the words of a spec to the places to ask, in order: templates filled in, mirrors put before the path that they mirror. Pure.
import { expandTemplate, gitHubURL, mirrorURL } from '../binaries/url-template.ts';
import type { TemplateValues } from '../binaries/url-template.ts';
import type { ArtifactSourceSpec, ArtifactSpec, HeadersSecretRef } from './types.ts';

/** One place to ask. */
export type Candidate = { readonly headersSecretRef?: HeadersSecretRef } & (
  | { readonly way: 'http'; readonly url: string }
  /** Relative to a folder that the controllers were given. */
  | { readonly way: 'file'; readonly path: string }
  /** On the host. */
  | { readonly way: 'existing'; readonly path: string }
  | { readonly way: 'image'; readonly image: string }
);

export type PlannedDigest =
  | { readonly from: 'spec'; readonly sha256: string }
  | { readonly from: 'url'; readonly url: string; readonly headersSecretRef?: HeadersSecretRef }
  /** What the first source has. */
  | { readonly from: 'source' };

export interface ArtifactPlan {
  readonly candidates: readonly Candidate[];
  readonly digest: PlannedDigest;
  /** Of the file, as checksum files know it. */
  readonly fileName: string;
  /** Names what is wanted; the digest is added when it is known. */
  readonly cacheKey: string;
}

/** @returns what is wrong with the spec, for an object that no server has looked at */
export function planSources(spec: ArtifactSpec): ArtifactPlan | { readonly problem: string } {
  const values = valuesOf(spec);
  const candidates: Candidate[] = [];
  const original = originalOf(spec.sources, values);
  for (const [index, source] of spec.sources.entries()) {
    const candidate = candidateOf(source, values, original);
    if (typeof candidate === 'string') return { problem: `sources[${index}]: ${candidate}` };
    candidates.push(candidate);
  }
  if (candidates.length === 0) return { problem: 'sources: there must be at least one' };
  const digest = digestOf(spec, values);
  if (digest.from === 'source' && candidates.some(({ way }) => way === 'http'))
    return {
      problem: 'give sha256 or sha256From: what comes over the network is compared with it',
    };
  const fileName = fileNameOf(candidates[0]);
  const version = spec.version === undefined ? '' : `-${spec.version}`;
  const cacheKey = `${values.os}/${values.architecture}/${fileName}${fileName.includes(spec.version ?? '\n') ? '' : version}`;
  return { candidates, digest, fileName, cacheKey };
}

/** Whether it is whatever a file of this machine holds. */
export function isLocal({ digest, candidates: [first] }: ArtifactPlan): boolean {
  return digest.from === 'source' && first?.way === 'file';
}

function valuesOf(spec: ArtifactSpec): TemplateValues {
  const { version = '', architecture = 'amd64', os = 'linux' } = spec;
  return { version, architecture, os };
}

function candidateOf(
  source: ArtifactSourceSpec,
  values: TemplateValues,
  original: string | undefined,
): Candidate | string {
  const { headersSecretRef } = source;
  const secret = headersSecretRef === undefined ? {} : { headersSecretRef };
  const url = urlOf(source, values, original);
  if (url !== undefined) {
    if (!URL.canParse(url)) return 'its URL cannot be read';
    return { way: 'http', url, ...secret };
  }
  if (source.mirror !== undefined) return 'a mirror needs a github or url source';
  if (source.localPath !== undefined) return { way: 'file', path: source.localPath };
  if (source.existing !== undefined) return { way: 'existing', path: source.existing.path };
  if (source.image !== undefined) return { way: 'image', image: source.image, ...secret };
  return 'give one of github, url, mirror, localPath, existing, image';
}

function urlOf(
  { github, url, mirror }: ArtifactSourceSpec,
  values: TemplateValues,
  original: string | undefined,
): string | undefined {
  if (github !== undefined) return gitHubURL(github, values);
  if (url !== undefined) return expandTemplate(url, values);
  if (mirror === undefined || original === undefined) return undefined;
  return URL.canParse(original) ? mirrorURL(mirror.url, original) : undefined;
}

/** What mirrors mirror. */
function originalOf(
  sources: readonly ArtifactSourceSpec[],
  values: TemplateValues,
): string | undefined {
  const source = sources.find(({ github, url }) => github !== undefined || url !== undefined);
  return source === undefined ? undefined : urlOf(source, values, undefined);
}

function digestOf({ sha256, sha256From }: ArtifactSpec, values: TemplateValues): PlannedDigest {
  if (sha256 !== undefined) return { from: 'spec', sha256 };
  if (sha256From === undefined) return { from: 'source' };
  const { url, headersSecretRef } = sha256From;
  const secret = headersSecretRef === undefined ? {} : { headersSecretRef };
  return { from: 'url', url: expandTemplate(url, values), ...secret };
}

/** The last part of the path. */
function fileNameOf(candidate: Candidate | undefined): string {
  if (candidate === undefined) return '';
  if (candidate.way === 'image') return candidate.image.replace(/^.*\//, '');
  const path = candidate.way === 'http' ? new URL(candidate.url).pathname : candidate.path;
  const name = path.replace(/^.*\//, '');
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
