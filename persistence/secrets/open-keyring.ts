// From settings to a keyring: the table of sources.
import type { Clock } from '#platform/clock.ts';
import { KeyCredential } from './key-credential.ts';
import { KeyFile } from './key-file.ts';
import { KeyPlugin } from './key-plugin.ts';
import type { KeySource, KeySourceSetting } from './key-source.ts';
import { Keyring } from './keyring.ts';
import { SecretsKeyError } from './secrets-key.ts';

/**
 * Makes no key yet: whether one may be made is known once the data has been seen.
 *
 * @param settings the first one's first key seals
 * @throws SecretsKeyError
 */
export function openKeyring(settings: readonly KeySourceSetting[], clock: Clock): Promise<Keyring> {
  const [first, ...rest] = settings.map((setting) => sourceOf(setting, clock));
  if (first === undefined)
    return Promise.reject(new SecretsKeyError('Cannot seal Secrets: --secrets-key names no key'));
  return Keyring.open([first, ...rest]);
}

function sourceOf(setting: KeySourceSetting, clock: Clock): KeySource {
  switch (setting.type) {
    case 'file':
      return new KeyFile(setting.path, clock);
    case 'credential':
      return new KeyCredential(setting.name, setting.directory);
    case 'exec':
      return new KeyPlugin(setting.command, setting.environment, clock);
  }
}
