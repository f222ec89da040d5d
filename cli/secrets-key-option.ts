// --secrets-key and --seal-kinds: where the keys that Secrets are sealed with come from, and what else is sealed.
import { relative, resolve } from 'node:path';
import type { ControlPlaneOptions } from '#controlplane/start.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Environment, OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';

export const secretsOptions = {
  'secrets-key': {
    type: 'list',
    placeholder: 'KEY',
    help: 'Where keys for Secrets come from: file:PATH, credential:NAME (systemd) or exec:COMMAND; the first seals, all open (default: a file made beside the data directory)',
  },
  'seal-kinds': {
    type: 'list',
    placeholder: 'KINDS',
    help: 'Kinds to seal as Secrets are, as in configmaps or certificates.example.com',
  },
} as const satisfies OptionTable;

type SecretsKeySetting = ControlPlaneOptions['secretsKeys'][number];

/** @throws UsageError, never with the value: somebody may have put a key there */
export function secretsKeys(
  values: readonly string[],
  data: DataDirectory,
  environment: Environment,
): readonly SecretsKeySetting[] {
  if (values.length === 0) return [{ type: 'file', path: `${data.path}.key` }];
  return values.map((value) => settingOf(value, data, environment));
}

function settingOf(
  value: string,
  data: DataDirectory,
  environment: Environment,
): SecretsKeySetting {
  const [, scheme, rest = ''] = /^([a-z]+):(.*)$/s.exec(value.trim()) ?? [];
  switch (scheme) {
    case 'file':
      if (rest === '') break;
      if (isInside(resolve(rest), data.path))
        throw new UsageError(
          `--secrets-key file: must not lie in the data directory ${data.path}: a copy of the data would reveal all Secrets; move the file out of it`,
        );
      return { type: 'file', path: rest };
    case 'credential':
      if (!/^[\w.-]+$/.test(rest) || rest.startsWith('.'))
        throw new UsageError('--secrets-key credential:NAME must be the name of a credential');
      return { type: 'credential', name: rest, directory: environment['CREDENTIALS_DIRECTORY'] };
    case 'exec': {
      const command = rest.split(/\s+/).filter((word) => word !== '');
      if (command.length === 0)
        throw new UsageError('--secrets-key exec:COMMAND needs a program after the colon');
      return { type: 'exec', command, environment };
    }
    default:
  }
  throw new UsageError(
    '--secrets-key must be file:PATH, credential:NAME or exec:COMMAND, found something else',
  );
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../');
}

/** @returns storage keys: `core/configmaps`, `example.com/certificates`. @throws UsageError */
export function sealKinds(values: readonly string[]): readonly string[] {
  return values
    .flatMap((value) => value.split(','))
    .map((value) => {
      const [, resource = '', group = 'core'] =
        /^([a-z0-9]+)(?:\.([a-z0-9.-]+))?$/.exec(value.trim()) ?? [];
      if (resource === '')
        throw new UsageError(
          `--seal-kinds must be plurals of kinds, as in configmaps or certificates.example.com, found ${JSON.stringify(value)}`,
        );
      return `${group}/${resource}`;
    });
}
