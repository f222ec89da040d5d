// What a machine's spec only names and others may change: the bytes of its Artifacts, and of files of the machine of the controllers.
// A run is for what they were when it resolved its goal; when they are others, the next one begins.
import { createHash } from 'node:crypto';
import { ArtifactError } from '../binaries/artifact-error.ts';
import { declaredFiles } from '../binaries/declared-files.ts';
import type { HostArtifacts } from '../binaries/host-artifact.ts';
import type { Pending } from './machine-work.ts';
import type { Machine } from './types.ts';

export interface MachineContent {
  /** Empty: the spec names nothing that others may change. */
  readonly hash: string;
  /** Artifact → `sha256:…`; those that are whatever a host has are not in it. */
  readonly digests: ReadonlyMap<string, string>;
}

type Named = Pick<Machine, 'metadata' | 'spec'>;

/** Asks no host. Pending: something is not fetched yet. @throws ArtifactError for what is not there, or is for no host */
export async function machineContent(
  artifacts: HostArtifacts,
  { metadata, spec }: Named,
  signal: AbortSignal,
): Promise<MachineContent | Pending> {
  const { namespace = '' } = metadata;
  const digests = new Map<string, string>();
  const facts: unknown[] = [];
  for (const name of artifactsOf(spec)) {
    const found = await artifacts.find(namespace, name, signal);
    if ('pending' in found) return found;
    const { digest, installPath, type, mode } = found;
    if (digest !== undefined) digests.set(name, digest);
    facts.push([name, digest ?? '', installPath ?? '', type, mode ?? 0]);
  }
  const local = (spec.files ?? []).filter(({ localPath }) => localPath !== undefined);
  const files = await declaredFiles(artifacts, namespace, local, signal);
  if ('pending' in files) return files;
  facts.push(...files.map(({ path, sha256, mode }) => [path, sha256, mode]));
  const text = JSON.stringify(facts);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return { hash: facts.length === 0 ? '' : hash, digests };
}

/** Undefined while nobody can say: what is missing is told by the run that needs it. */
export async function knownContent(
  artifacts: HostArtifacts,
  machine: Named,
  signal: AbortSignal,
): Promise<MachineContent | undefined> {
  try {
    const found = await machineContent(artifacts, machine, signal);
    return 'pending' in found ? undefined : found;
  } catch (error) {
    if (error instanceof ArtifactError) return undefined;
    throw error;
  }
}

/** Names of the Artifacts that a spec is made of, each once. */
export function artifactsOf({ artifacts = [], files = [] }: Machine['spec']): readonly string[] {
  const named = [
    ...artifacts.map(({ name }) => name),
    ...files.flatMap(({ artifact }) => artifact?.name ?? []),
  ];
  return [...new Set(named)];
}

/** In words: `artifact k0s sha256:0123456789ab → sha256:ba9876543210`. */
export function contentWords(
  { status, spec }: Machine,
  { digests }: MachineContent,
): readonly string[] {
  const words = (status?.staged ?? []).flatMap(({ artifact, digest }) => {
    const now = digests.get(artifact);
    if (now === undefined || now === digest) return [];
    return [`artifact ${artifact} ${short(digest)} → ${short(now)}`];
  });
  if (words.length > 0) return words;
  // Declared files are not listed in the status.
  return [`what ${[...artifactsOf(spec), ...localPaths(spec)].join(', ')} holds`];
}

function localPaths({ files = [] }: Machine['spec']): readonly string[] {
  return files.flatMap(({ localPath }) => localPath ?? []);
}

function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
