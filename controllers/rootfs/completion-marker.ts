// The file in a root that says it is complete, and what it was built for. It is written when all the rest is durable, so a root
// without it was interrupted, or is nobody's of ours.
import type { HostDriver } from '../hosts/host-driver.ts';
import { jsonFields } from '#platform/json-fields.ts';
import { mustRun } from './root-files.ts';

export interface CompletionMarker {
  readonly goalHash: string;
  /** `sha256:…` of the manifest that was unpacked; empty for debootstrap. */
  readonly imageDigest: string;
}

export const MARKER_NAME = '.windlass-rootfs-complete';

/** Undefined when the root is not complete. */
export async function readMarker(
  host: HostDriver,
  machineDirectory: string,
  signal: AbortSignal,
): Promise<CompletionMarker | undefined> {
  const path = `${machineDirectory}/${MARKER_NAME}`;
  if ((await host.stat(path, signal))?.kind !== 'file') return undefined;
  const bytes = await host.readFile(path, signal);
  const fields = bytes === undefined ? undefined : jsonFields(new TextDecoder().decode(bytes));
  const { goalHash, imageDigest } = fields ?? {};
  if (typeof goalHash !== 'string' || typeof imageDigest !== 'string') return undefined;
  return { goalHash, imageDigest };
}

/** Makes what was written before durable, then says so. */
export async function writeMarker(
  host: HostDriver,
  machineDirectory: string,
  marker: CompletionMarker,
  signal: AbortSignal,
): Promise<void> {
  await mustRun(host, ['sync', '--file-system', machineDirectory], signal, 600_000);
  const content = `${JSON.stringify(marker)}\n`;
  await host.putFile(`${machineDirectory}/${MARKER_NAME}`, content, { signal });
}
