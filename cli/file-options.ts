// The manifests that a command is given with --file: files, folders or standard input, read once and with their errors told.
import type { CommandIO } from './command.ts';
import { ManifestError, manifestFiles, parseManifests, readManifests } from './apply/manifest.ts';
import type { Manifest } from './apply/manifest.ts';
import type { OptionTable } from './options.ts';
import { CommandError, UsageError } from './usage-error.ts';

export const fileOptions = {
  file: {
    type: 'list',
    short: 'f',
    placeholder: 'PATH',
    help: 'Manifest file or folder; - is standard input',
  },
  namespace: {
    type: 'string',
    short: 'n',
    placeholder: 'NAME',
    help: 'Namespace of what names none (default: default)',
  },
} as const satisfies OptionTable;

export interface FileValues {
  readonly file: readonly string[];
  readonly namespace: string | undefined;
}

/**
 * @throws UsageError without --file; CommandError for a file that cannot be used, or an object of another namespace than the
 * one that was asked for
 */
export async function manifestsOf(values: FileValues, io: CommandIO): Promise<readonly Manifest[]> {
  if (values.file.length === 0)
    throw new UsageError(
      '--file is missing: name a manifest with -f FILE, or - for standard input',
    );
  const manifests: Manifest[] = [];
  for (const path of values.file) manifests.push(...(await told(() => readPath(path, io))));
  if (manifests.length === 0)
    throw new CommandError(`${values.file.join(', ')}: there is no object in it`);
  for (const { file, line, object } of manifests) {
    const { namespace } = object.metadata;
    if (values.namespace === undefined || namespace === undefined) continue;
    if (namespace !== values.namespace)
      throw new CommandError(
        `${file}, line ${line}: ${object.kind} ${object.metadata.name} is of namespace ${namespace}, and --namespace says ${values.namespace}`,
        'Leave out one of the two.',
      );
  }
  return manifests;
}

async function readPath(path: string, io: CommandIO): Promise<readonly Manifest[]> {
  if (path === '-') return parseManifests('standard input', await io.readInput());
  return manifestFiles(path).flatMap(readManifests);
}

/** Runs `work`; what is wrong with a manifest is the user's to mend, and no defect of ours. */
export async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ManifestError)
      throw new CommandError(error.message, undefined, { cause: error });
    throw error;
  }
}

/** Whether a manifest is one of our services. */
export function isService({ object }: Manifest): boolean {
  return object.kind === 'Service' && object.apiVersion.startsWith('windlass.dev/');
}
