// The files that a machine declares, on its host. Without a root each slot has its copies beside the host's files, so that a switch puts
// one slot's in place and a rollback the other's; with a root they are put into the root of the slot.
import { jsonFields } from '#platform/json-fields.ts';
import type { DeclaredFile, FileOwner } from '../binaries/declared-files.ts';
import { installFile } from '../binaries/install-file.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import { otherSlot } from '../rootfs/goal-state.ts';
import type { Slot } from '../rootfs/goal-state.ts';
import { mustRun, pathInRoot } from '../rootfs/root-files.ts';

/** Of one machine: a folder on its host that nobody else writes to. */
export interface MachineFiles {
  readonly host: HostDriver;
  /** Of the machine among those of the host. */
  readonly name: string;
}

type ListedFile = Omit<DeclaredFile, 'open'>;

const BASE = '/var/lib/windlass/files';
const LIST_BYTES = 16 << 20;

/** Into the root of a slot that does not run. */
export async function putFilesInRoot(
  host: HostDriver,
  root: string,
  files: readonly DeclaredFile[],
  signal: AbortSignal,
): Promise<void> {
  for (const file of files) {
    const path = await pathInRoot(host, root, file.path, signal);
    const owner = await ownerInRoot(host, root, file.owner, signal);
    await installFile(host, { ...file, path, owner }, signal);
  }
}

/** Beside the host's files: none of those is touched. The list comes last: where it is, all that it names is. */
export async function stageFiles(
  { host, name }: MachineFiles,
  slot: Slot,
  files: readonly DeclaredFile[],
  signal: AbortSignal,
): Promise<void> {
  const folder = `${BASE}/${name}/${slot}`;
  await host.remove(`${folder}.json`, signal);
  if (files.length === 0) return host.remove(folder, signal);
  await mustRun(host, ['mkdir', '-p', '-m', '0700', `${BASE}/${name}`], signal);
  const kept = new Set(files.map(({ sha256 }) => sha256));
  for (const left of (await host.list(folder, signal)) ?? [])
    if (!kept.has(left)) await host.remove(`${folder}/${left}`, signal);
  for (const { sha256, open } of files) {
    const path = `${folder}/${sha256}`;
    if ((await host.digest(path, signal)) === sha256) continue;
    await host.putFile(path, open(signal), { signal, mode: 0o600, sha256 });
  }
  // What opens them is no JSON, and left out.
  const content = `${JSON.stringify({ files })}\n`;
  await host.putFile(`${folder}.json`, content, { signal, mode: 0o600 });
}

/** Makes the files of a slot the host's; what only the other slot had goes, unless somebody changed it. Finds what is done already. */
export async function activateFiles(
  machine: MachineFiles,
  slot: Slot,
  signal: AbortSignal,
): Promise<void> {
  const { host, name } = machine;
  const files = await listed(machine, slot, signal);
  for (const file of files)
    await installFile(host, { ...file, copyOf: `${BASE}/${name}/${slot}/${file.sha256}` }, signal);
  const own = new Set(files.map(({ path }) => path));
  for (const { path, sha256 } of await listed(machine, otherSlot(slot), signal))
    if (!own.has(path)) await removeUnchanged(host, path, sha256, signal);
}

/** Files of the host that are not as the slot has them: their paths. Reads only. */
export async function changedFiles(
  machine: MachineFiles,
  slot: Slot,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { host } = machine;
  const changed: string[] = [];
  for (const { path, sha256, mode } of await listed(machine, slot, signal)) {
    const found = await host.stat(path, signal);
    const isRight = found?.kind === 'file' && found.mode === mode;
    if (!isRight || (await host.digest(path, signal)) !== sha256) changed.push(path);
  }
  return changed;
}

/** Whether a slot has exactly these files ready. Reads only. */
export async function isListedAs(
  machine: MachineFiles,
  slot: Slot,
  files: readonly ListedFile[],
  signal: AbortSignal,
): Promise<boolean> {
  // What opens them is no JSON, and left out.
  return JSON.stringify(await listed(machine, slot, signal)) === JSON.stringify(files);
}

/** What a failed run left for its slot. */
export async function dropFiles(
  { host, name }: MachineFiles,
  slot: Slot,
  signal: AbortSignal,
): Promise<void> {
  await host.remove(`${BASE}/${name}/${slot}.json`, signal);
  await host.remove(`${BASE}/${name}/${slot}`, signal);
}

/** All of both slots; on the host what nobody changed since. Folders that were made stay. */
export async function removeFiles(machine: MachineFiles, signal: AbortSignal): Promise<void> {
  const { host, name } = machine;
  for (const slot of ['a', 'b'] as const)
    for (const { path, sha256 } of await listed(machine, slot, signal))
      await removeUnchanged(host, path, sha256, signal);
  await host.remove(`${BASE}/${name}`, signal);
}

async function removeUnchanged(
  host: HostDriver,
  path: string,
  sha256: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await host.stat(path, signal))?.kind !== 'file') return;
  if ((await host.digest(path, signal)) === sha256) await host.remove(path, signal);
}

async function listed(
  { host, name }: MachineFiles,
  slot: Slot,
  signal: AbortSignal,
): Promise<readonly ListedFile[]> {
  const path = `${BASE}/${name}/${slot}.json`;
  const bytes = await host.readFile(path, signal, LIST_BYTES);
  if (bytes === undefined) return [];
  const { files } = jsonFields(new TextDecoder().decode(bytes)) ?? {};
  if (!Array.isArray(files) || !files.every(isListed))
    throw new HostCommandError(`${path} on ${host.name} is no list of files: somebody changed it`);
  return files;
}

function isListed(value: unknown): value is ListedFile {
  const { path, sha256, mode, directoryMode, owner } = (value ?? {}) as Partial<ListedFile>;
  return (
    typeof path === 'string' &&
    path.startsWith('/') &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    typeof mode === 'number' &&
    typeof directoryMode === 'number' &&
    typeof owner === 'object'
  );
}

/** Names are those of the root, not of the host around it. */
async function ownerInRoot(
  host: HostDriver,
  root: string,
  { user, group }: FileOwner,
  signal: AbortSignal,
): Promise<FileOwner> {
  const number = async (name: string, file: string): Promise<string> => {
    if (/^\d+$/.test(name)) return name;
    const path = await pathInRoot(host, root, file, signal);
    const text = new TextDecoder().decode((await host.readFile(path, signal)) ?? new Uint8Array());
    const line = text.split('\n').find((each) => each.startsWith(`${name}:`));
    const id = line?.split(':')[2];
    if (id !== undefined && /^\d+$/.test(id)) return id;
    throw new HostCommandError(`the image has no ${name} in /${file}: give a number`);
  };
  return {
    ...(user === undefined ? {} : { user: await number(user, 'etc/passwd') }),
    ...(group === undefined ? {} : { group: await number(group, 'etc/group') }),
  };
}
