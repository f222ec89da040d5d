// Artifacts in files, for commands that work without a server: with the Secrets that they name, where those are in the files too.
import { dirname } from 'node:path';
import type { ArtifactSpec } from '#controllers/artifact/types.ts';
import type { ApiObject, ApiResource, Client } from '#controllers/machinery/client-types.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import { manifestFiles, readManifests } from '../apply/manifest.ts';
import type { Manifest } from '../apply/manifest.ts';
import { told } from '../file-options.ts';
import { CommandError, UsageError } from '../usage-error.ts';

export interface ArtifactInFile {
  readonly namespace: string;
  readonly name: string;
  readonly spec: ArtifactSpec;
}

export interface ArtifactFiles {
  readonly artifacts: readonly ArtifactInFile[];
  /** Of the files: what is found beside them is theirs. */
  readonly folders: readonly string[];
  /** Answers for the Secrets in the files, and knows no others. */
  readonly client: Pick<Client, 'get'>;
}

/** @throws UsageError without files; CommandError for what is wrong in one */
export async function readArtifacts(paths: readonly string[]): Promise<ArtifactFiles> {
  if (paths.length === 0) throw new UsageError('-f FILE is missing: which Artifacts?');
  const files = await told(async () => paths.flatMap(manifestFiles));
  const manifests = await told(async () => files.flatMap(readManifests));
  const artifacts = manifests.filter(isArtifact).map(artifactOf);
  if (artifacts.length === 0)
    throw new CommandError(`there is no Artifact of windlass.dev in ${paths.join(', ')}`);
  const folders = [...new Set(files.map((file) => dirname(file)))];
  return { artifacts, folders, client: secretsOf(manifests) };
}

function isArtifact({ object }: Manifest): boolean {
  return object.kind === 'Artifact' && object.apiVersion.startsWith('windlass.dev/');
}

/** Only its form is looked at; what it means is checked where it is used. */
function artifactOf({ file, line, object }: Manifest): ArtifactInFile {
  const { spec, metadata } = object;
  const sources = (spec as { readonly sources?: unknown } | undefined)?.sources;
  const isList =
    Array.isArray(sources) && sources.every((one) => typeof one === 'object' && one !== null);
  if (!isList)
    throw new CommandError(`${file}:${line}: Artifact ${metadata.name} has no list spec.sources`);
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    spec: spec as ArtifactSpec,
  };
}

function secretsOf(manifests: readonly Manifest[]): Pick<Client, 'get'> {
  const secrets = manifests.map(({ object }) => object).filter(({ kind }) => kind === 'Secret');
  return {
    async get<T extends ApiObject>(resource: ApiResource, namespace: string, name: string) {
      const found = secrets.find(
        ({ metadata }) => metadata.name === name && (metadata.namespace ?? 'default') === namespace,
      );
      if (resource.kind !== 'Secret' || found === undefined)
        throw new RequestError(404, 'NotFound', `${resource.kind} ${name} is in none of the files`);
      const { data = {}, stringData = {} } = found as {
        readonly data?: Readonly<Record<string, string>>;
        readonly stringData?: Readonly<Record<string, string>>;
      };
      const encoded = Object.entries(stringData).map(([key, value]) => [
        key,
        Buffer.from(value).toString('base64'),
      ]);
      return { ...found, data: { ...data, ...Object.fromEntries(encoded) } } as unknown as T;
    },
  };
}
