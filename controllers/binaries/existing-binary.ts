// Binaries that the user put on the host: never replaced, only what runs may be older than what lies there.
import { ArtifactError } from './artifact-error.ts';
import type { BinaryHost } from './binary-host.ts';
import type { BinaryProvider } from './binary-provider.ts';

export function newExisting(host: BinaryHost): BinaryProvider {
  return {
    async needsUpgrade() {
      const [installed, running] = [host.installedVersion(), host.runningVersion()];
      return installed !== undefined && running !== undefined && installed !== running;
    },
    isUpload: () => false,
    async stage(signal) {
      await requireBinary(host, signal);
      return undefined;
    },
    async cleanUp() {
      // Nothing was made.
    },
  };
}

/** What a plan says about a host whose binary is reused. @throws ArtifactError `NotFound` when there is none */
export async function reportExisting(
  host: BinaryHost,
  target: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await requireBinary(host, signal);
  const installed = host.installedVersion() ?? 'an unknown version';
  const reuse = `${host.driver.name}: reuse ${host.installPath} of version ${installed}`;
  if (target === undefined || installed.replace(/^v/, '') === target.replace(/^v/, ''))
    return [reuse];
  return [reuse, `WARNING: ${host.driver.name} has version ${installed}, and ${target} is wanted`];
}

async function requireBinary(
  { driver, installPath }: BinaryHost,
  signal: AbortSignal,
): Promise<void> {
  if ((await driver.stat(installPath, signal)) !== undefined) return;
  throw new ArtifactError('NotFound', `no binary found on host ${driver.name} at ${installPath}`);
}
