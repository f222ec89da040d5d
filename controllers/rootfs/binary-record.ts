// Which binaries a root holds: version and digest of each that was put there. Compared with the files themselves, it says without
// running anything of a stranger's image whether a binary is the right one.
import type { HostDriver } from '../hosts/host-driver.ts';
import { jsonFields } from '#platform/json-fields.ts';
import { pathInRoot } from './root-files.ts';

export interface InstalledBinary {
  readonly version: string;
  /** Of the file in the root. */
  readonly sha256: string;
}

/** Path below the root → what lies there. */
export type BinaryRecord = ReadonlyMap<string, InstalledBinary>;

/** Each family has its own file, so that families are installed at the same time. */
export type BinaryFamily = 'kubernetes' | 'crictl' | 'containerd' | 'runc' | 'cni';

const FOLDER = 'etc/windlass/binaries';

export async function readRecord(
  host: HostDriver,
  root: string,
  family: BinaryFamily,
  signal: AbortSignal,
): Promise<BinaryRecord> {
  const path = await pathInRoot(host, root, `${FOLDER}/${family}.json`, signal);
  if ((await host.stat(path, signal))?.kind !== 'file') return new Map();
  const bytes = await host.readFile(path, signal);
  const fields = bytes === undefined ? undefined : jsonFields(new TextDecoder().decode(bytes));
  return new Map(
    Object.entries(fields ?? {}).flatMap(([name, value]) => {
      const { version, sha256 } = (value ?? {}) as Partial<Record<string, unknown>>;
      return typeof version === 'string' && typeof sha256 === 'string'
        ? [[name, { version, sha256 }] as const]
        : [];
    }),
  );
}

export async function writeRecord(
  host: HostDriver,
  root: string,
  family: BinaryFamily,
  record: BinaryRecord,
  signal: AbortSignal,
): Promise<void> {
  const path = await pathInRoot(host, root, `${FOLDER}/${family}.json`, signal);
  const sorted = [...record].toSorted(([a], [b]) => (a < b ? -1 : 1));
  await host.putFile(path, `${JSON.stringify(Object.fromEntries(sorted))}\n`, { signal });
}

/** Whether each of these paths holds the wanted version, byte for byte as it was put there. */
export async function areInstalled(
  host: HostDriver,
  root: string,
  record: BinaryRecord,
  paths: readonly string[],
  version: string,
  signal: AbortSignal,
): Promise<boolean> {
  const answers = await Promise.all(
    paths.map(async (path) => {
      const known = record.get(path);
      if (known?.version !== version) return false;
      const target = await pathInRoot(host, root, path, signal);
      const found = await host.stat(target, signal);
      if (found?.kind !== 'file' || (found.mode & 0o111) === 0) return false;
      return (await host.digest(target, signal)) === known.sha256;
    }),
  );
  return answers.every(Boolean);
}
