// Artifacts as whoever works on hosts sees them: what is to be there, and how it gets there.
import { ArtifactError } from '../binaries/artifact-error.ts';
import { parseMode } from '../binaries/file-mode.ts';
import type { Delivery, HostArtifact, HostArtifacts } from '../binaries/host-artifact.ts';
import type { Client } from '../machinery/client-types.ts';
import { isConditionTrue } from '../machinery/conditions.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { ARTIFACTS } from '../machinery/resources.ts';
import { bringArtifact } from './bring-artifact.ts';
import type { BringOptions } from './bring-artifact.ts';
import { planSources } from './plan-sources.ts';
import type { Artifact } from './types.ts';

/** Those that the artifact controller has looked at, as they were when it did. */
export function artifactsForHosts(client: Pick<Client, 'get'>, bring: BringOptions): HostArtifacts {
  return {
    async find(namespace, name, signal) {
      const artifact = await read(client, namespace, name, signal);
      return artifact === undefined
        ? { pending: `Artifact ${name} is not there yet` }
        : describe(artifact, bring);
    },
    open: (digest, signal) => bring.fetcher.store.read(digest, signal),
    localFiles: (pattern, signal) => bring.files.findAll(pattern, signal),
    async bring(namespace, name, signal) {
      const artifact = await read(client, namespace, name, signal);
      if (artifact === undefined) throw new ArtifactError('NotFound', `no Artifact ${name}`);
      const { digest = '' } = artifact.status ?? {};
      const spec = { ...artifact.spec, delivery: 'Upload' as const };
      const knownDigest = digest === '' ? undefined : digest.replace(/^sha256:/, '');
      const outcome = await bringArtifact(bring, { namespace, spec, knownDigest }, { signal });
      if (outcome.state === 'failed') throw new ArtifactError(outcome.failure, outcome.message);
    },
  };
}

async function read(
  client: Pick<Client, 'get'>,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Artifact | undefined> {
  try {
    return await client.get<Artifact>(ARTIFACTS, namespace, name, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function describe(
  { metadata, spec, status = {} }: Artifact,
  bring: BringOptions,
): HostArtifact | { readonly pending: string } {
  const { name, namespace = '', generation = 0 } = metadata;
  const { type = 'File', mode, installPath, delivery: by = 'Upload' } = spec;
  const { digest, conditions = [], observedGeneration = 0 } = status;
  if (type === 'OCIImage')
    throw new ArtifactError(
      'Invalid',
      `Artifact ${name} is an image: hosts get files and archives`,
    );
  const plan = planSources(spec);
  if ('problem' in plan) throw new ArtifactError('Invalid', `Artifact ${name}: ${plan.problem}`);
  const isSeen = observedGeneration >= generation;
  // What hosts fetch need not be reachable from here.
  const wanted = by === 'Upload' ? 'Cached' : by === 'NodePull' ? 'Resolved' : 'Ready';
  if (
    !isSeen ||
    !isConditionTrue(conditions, wanted) ||
    (by !== 'Existing' && digest === undefined)
  ) {
    const why = conditions.find((each) => each.status === 'False')?.message;
    const reason = why === undefined ? '' : `: ${why}`;
    return { pending: `Artifact ${name} is not fetched yet${reason}` };
  }
  const delivery: Delivery =
    by === 'Upload'
      ? { by }
      : by === 'Existing'
        ? {
            by,
            paths: plan.candidates.flatMap((each) => (each.way === 'existing' ? each.path : [])),
          }
        : {
            by,
            sources: plan.candidates.flatMap((each) => {
              if (each.way !== 'http') return [];
              const { url, headersSecretRef: ref } = each;
              return {
                url,
                headers: async (signal) =>
                  ref === undefined ? {} : bring.headers(namespace, ref, signal),
              };
            }),
          };
  return {
    type,
    digest: by === 'Existing' ? prefixed(spec.sha256) : digest,
    mode: mode === undefined ? undefined : parseMode(mode),
    installPath,
    version: spec.version,
    delivery,
  };
}

function prefixed(sha256: string | undefined): string | undefined {
  return sha256 === undefined ? undefined : `sha256:${sha256.replace(/^sha256:/, '')}`;
}
