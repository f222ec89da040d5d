// Flags of every command that is given files, and how what is wrong with a file is told.
import { ManifestError } from './apply/manifest.ts';
import type { Manifest } from './apply/manifest.ts';
import type { OptionTable } from './options.ts';
import { CommandError } from './usage-error.ts';

export const fileOptions = {
  file: {
    type: 'list',
    short: 'f',
    placeholder: 'PATH',
    help: 'Manifest or Compose file, or folder of manifests; - is standard input',
  },
  namespace: {
    type: 'string',
    short: 'n',
    placeholder: 'NAME',
    help: 'Namespace of what names none (default: default)',
  },
  project: {
    type: 'string',
    placeholder: 'NAME',
    help: 'Label what is applied as part of this project (default, for Compose: its name or folder)',
  },
  profile: {
    type: 'list',
    short: 'p',
    placeholder: 'NAME',
    help: 'Take services of this profile of a Compose file too; * is every profile',
  },
  'env-file': {
    type: 'string',
    placeholder: 'FILE',
    help: 'Variables for a Compose file (default: .env beside it)',
  },
  'cluster-domain': {
    type: 'string',
    placeholder: 'NAME',
    help: 'Give HTTP ports of x-ports the host SERVICE.NAME too (default: without a host they serve any)',
  },
} as const satisfies OptionTable;

export interface FileValues {
  readonly file: readonly string[];
  readonly namespace: string | undefined;
  readonly project: string | undefined;
  readonly profile: readonly string[];
  readonly 'env-file': string | undefined;
  readonly 'cluster-domain': string | undefined;
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
