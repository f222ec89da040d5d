// Brings what a spec describes: finds the digest, then the bytes, and says what came of it. Used by the controller and by commands.
import { ArtifactError } from '../binaries/artifact-error.ts';
import type { ArtifactFetcher, PublishedDigest } from '../binaries/artifact-fetcher.ts';
import { fileSource, httpSource } from '../binaries/artifact-source.ts';
import type { ArtifactSource } from '../binaries/artifact-source.ts';
import { parseDigest } from '../binaries/digest.ts';
import type { Headers } from '../binaries/http-answer.ts';
import type { FetchContext } from '../binaries/http-fetcher.ts';
import { redactURL } from '../binaries/redact-url.ts';
import type { FetchedImage, WantedImage } from './fetch-image.ts';
import { imageClosure } from './image-closure.ts';
import type { LocalFiles } from './local-files.ts';
import type { Outcome } from './outcome.ts';
import { isLocal, planSources } from './plan-sources.ts';
import type { ArtifactPlan, Candidate } from './plan-sources.ts';
import type { ArtifactSpec, HeadersSecretRef } from './types.ts';

export interface BringOptions {
  readonly fetcher: ArtifactFetcher;
  readonly files: LocalFiles;
  readonly images: { fetch(wanted: WantedImage, context: FetchContext): Promise<FetchedImage> };
  /** @throws ArtifactError */
  readonly headers: (
    namespace: string,
    ref: HeadersSecretRef,
    signal: AbortSignal,
  ) => Promise<Headers>;
}

export interface BringRequest {
  readonly namespace: string;
  readonly spec: ArtifactSpec;
  /** Hex; found before for this very spec, and not asked for again. */
  readonly knownDigest?: string | undefined;
}

/** @throws only the signal's reason, and what is no failure of artifacts: errors of the API server, bugs */
export async function bringArtifact(
  options: BringOptions,
  request: BringRequest,
  context: FetchContext,
): Promise<Outcome> {
  const plan = planSources(request.spec);
  if ('problem' in plan) return failed('resolve', new ArtifactError('Invalid', plan.problem));
  if (request.spec.delivery === 'Existing') return { state: 'existing' };
  if (plan.candidates.some(({ way }) => way === 'image'))
    return bringImage(options, request, plan, context);
  let digest: string;
  try {
    digest = await digestNow(options, request, plan, context);
  } catch (error) {
    return failed('resolve', error, plan.cacheKey);
  }
  const cacheKey = `${plan.cacheKey}@sha256:${digest}`;
  try {
    return request.spec.delivery === 'NodePull'
      ? await reach(options, request.namespace, plan, { digest, cacheKey }, context)
      : await fetchFile(options, request.namespace, plan, { digest, cacheKey }, context);
  } catch (error) {
    return failed('fetch', error, cacheKey);
  }
}

/** A file of this machine is what it is now; what was published is not asked for again. */
async function digestNow(
  options: BringOptions,
  { namespace, knownDigest }: BringRequest,
  plan: ArtifactPlan,
  context: FetchContext,
): Promise<string> {
  if (knownDigest === undefined) return resolve(options, namespace, plan, context);
  if (!isLocal(plan)) return knownDigest;
  try {
    return await resolve(options, namespace, plan, context);
  } catch (error) {
    // It is gone; what was brought is in the store.
    if (error instanceof ArtifactError && error.failure !== 'Invalid') return knownDigest;
    throw error;
  }
}

interface Known {
  readonly digest: string;
  readonly cacheKey: string;
}

async function fetchFile(
  options: BringOptions,
  namespace: string,
  plan: ArtifactPlan,
  { digest, cacheKey }: Known,
  context: FetchContext,
): Promise<Outcome> {
  const sources = plan.candidates.map((candidate) => sourceOf(options, namespace, candidate));
  const wanted = { digest: { sha256: digest }, sources, fileName: plan.fileName };
  const { size, source } = await options.fetcher.ensure(wanted, context);
  return { state: 'cached', digest, size, cacheKey, source };
}

/** The headers and the file are looked for only when the source is asked: a hit needs neither. */
function sourceOf(options: BringOptions, namespace: string, candidate: Candidate): ArtifactSource {
  const name = nameOf(candidate);
  return {
    name,
    identity: JSON.stringify([namespace, candidate]),
    async fill(sink, limitBytes, context) {
      switch (candidate.way) {
        case 'http': {
          const headers = await headersOf(options, namespace, candidate, context.signal);
          const { url } = candidate;
          return httpSource(options.fetcher.http, { url, headers }).fill(sink, limitBytes, context);
        }
        case 'file':
          return fileSource(await options.files.find(candidate.path)).fill(
            sink,
            limitBytes,
            context,
          );
        default:
          throw new ArtifactError('Invalid', `${name} is no source of bytes`);
      }
    },
  };
}

async function reach(
  options: BringOptions,
  namespace: string,
  { candidates }: ArtifactPlan,
  known: Known,
  { signal }: FetchContext,
): Promise<Outcome> {
  const messages: string[] = [];
  for (const candidate of candidates) {
    if (candidate.way !== 'http') continue;
    const headers = await headersOf(options, namespace, candidate, signal);
    const { url } = candidate;
    const probe = await options.fetcher.http.probe({ url, headers }, signal);
    if (probe.isReachable) return { state: 'reachable', ...known, source: nameOf(candidate) };
    messages.push(probe.message);
  }
  throw new ArtifactError('Unreachable', messages.join('; '));
}

async function resolve(
  options: BringOptions,
  namespace: string,
  plan: ArtifactPlan,
  context: FetchContext,
): Promise<string> {
  const { digest, candidates, fileName } = plan;
  switch (digest.from) {
    case 'spec':
      return options.fetcher.digestOf(digest, fileName, context);
    case 'url': {
      const headers = await headersOf(options, namespace, digest, context.signal);
      const published: PublishedDigest = { sha256From: { url: digest.url, headers } };
      return options.fetcher.digestOf(published, fileName, context);
    }
    case 'source': {
      const [first] = candidates;
      if (first?.way !== 'file') throw new ArtifactError('Invalid', 'give sha256 or sha256From');
      return options.files.digestOf(first.path, context.signal);
    }
  }
}

async function bringImage(
  options: BringOptions,
  { namespace, spec, knownDigest }: BringRequest,
  plan: ArtifactPlan,
  context: FetchContext,
): Promise<Outcome> {
  const kept = await keptImage(options, spec, knownDigest, context.signal);
  if (kept !== undefined)
    return {
      state: 'cached',
      ...kept,
      cacheKey: `${plan.cacheKey}@sha256:${kept.digest}`,
      source: undefined,
    };
  const failures: ArtifactError[] = [];
  for (const candidate of plan.candidates) {
    if (candidate.way !== 'image') continue;
    const wanted: WantedImage = {
      namespace,
      image: candidate.image,
      secret: candidate.headersSecretRef?.name,
      os: spec.os ?? 'linux',
      architecture: spec.architecture ?? 'amd64',
      sha256: spec.sha256 === undefined ? undefined : parseDigest(spec.sha256),
      isFile: spec.type !== 'OCIImage',
    };
    try {
      const { digest, size, isFetched } = await options.images.fetch(wanted, context);
      const cacheKey = `${plan.cacheKey}@sha256:${digest}`;
      const source = isFetched ? candidate.image : undefined;
      return { state: 'cached', digest, size, cacheKey, source };
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      failures.push(error);
    }
  }
  const [first] = failures;
  const message = failures.map((failure) => failure.message).join('; ');
  return failed('fetch', new ArtifactError(first?.failure ?? 'Invalid', message), plan.cacheKey);
}

/** What the registry was asked for once need not be asked for again, while all of it is there. */
async function keptImage(
  { fetcher: { store } }: BringOptions,
  spec: ArtifactSpec,
  digest: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly size: number } | undefined> {
  if (digest === undefined) return undefined;
  const parts = spec.type === 'OCIImage' ? await imageClosure(store, digest, signal) : [digest];
  let size = 0;
  for (const part of parts) {
    const found = await store.find(part, signal);
    if (found === undefined) return undefined;
    size += found.size;
  }
  return { digest, size };
}

async function headersOf(
  { headers }: BringOptions,
  namespace: string,
  { headersSecretRef }: { readonly headersSecretRef?: HeadersSecretRef },
  signal: AbortSignal,
): Promise<Headers> {
  return headersSecretRef === undefined ? {} : headers(namespace, headersSecretRef, signal);
}

function nameOf(candidate: Candidate): string {
  switch (candidate.way) {
    case 'http':
      return redactURL(candidate.url);
    case 'image':
      return candidate.image;
    default:
      return candidate.path;
  }
}

function failed(stage: 'resolve' | 'fetch', error: unknown, cacheKey?: string): Outcome {
  if (!(error instanceof ArtifactError)) throw error;
  const { failure, message, retryAfterMs } = error;
  return { state: 'failed', stage, failure, message, retryAfterMs, cacheKey };
}
