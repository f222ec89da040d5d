// Turns a ContainerSpec into what spawn() needs: which program, in which folder, with which environment. Processes share this machine's
// file system, so a volume mounted at `/config` becomes the link `<pod folder>/config` to where the agent has prepared it, and a
// workingDir `/app` means `<pod folder>/app`. Links cannot enforce readOnly. Everything that cannot work is said before the spawn.
import { constants } from 'node:fs';
import { access, lstat, mkdir, readlink, rmdir, stat, symlink } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { StartError } from './runtime.ts';
import type { ContainerSpec } from './runtime.ts';

export interface Placement {
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
}

/** @throws StartError */
export async function placeProcess(
  spec: ContainerSpec,
  environment: Readonly<Record<string, string>>,
): Promise<Placement> {
  const [command, ...args] = [...spec.command, ...spec.args];
  if (spec.command.length === 0 || command === undefined) {
    throw new StartError(
      'CreateContainerConfigError',
      `Container ${spec.identity.container} has no command: the process runtime runs programs of this machine and ignores images, so set command to the program to run`,
    );
  }
  await mkdir(spec.podDirectory, { recursive: true, mode: 0o700 });
  for (const mount of spec.mounts.toSorted(byDepth)) await link(spec, mount);
  const workingDirectory = await placeWorkingDirectory(spec);
  const program = await resolveProgram(spec, command, workingDirectory, environment['PATH'] ?? '');
  return { program, args, workingDirectory };
}

/** `/config` → `<pod folder>/config`; never outside of the folder. */
export function insidePod(podDirectory: string, path: string): string {
  const inside = resolve(podDirectory, `.${sep}${path}`);
  const way = relative(podDirectory, inside);
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) {
    throw new StartError('CreateContainerConfigError', `Path ${path} leaves the folder of the Pod`);
  }
  return inside;
}

type Mount = ContainerSpec['mounts'][number];

function byDepth(a: Mount, b: Mount): number {
  return a.containerPath.split('/').length - b.containerPath.split('/').length;
}

async function link(spec: ContainerSpec, mount: Mount): Promise<void> {
  const target = insidePod(spec.podDirectory, mount.containerPath);
  if (target === resolve(spec.podDirectory)) {
    throw new StartError(
      'CreateContainerConfigError',
      `Cannot mount a volume at ${mount.containerPath}: it would replace the folder of the Pod; choose a path below /`,
    );
  }
  try {
    await mkdir(dirname(target), { recursive: true });
    const existing = await lstat(target).catch(() => undefined);
    if (existing?.isSymbolicLink() === true) {
      const current = await readlink(target);
      if (current === mount.hostPath) return;
      throw new StartError(
        'CreateContainerConfigError',
        `Cannot mount two volumes at ${mount.containerPath}: processes of one Pod share its folder; choose different mountPaths`,
      );
    }
    if (existing?.isDirectory() === true) await rmdir(target);
    await symlink(mount.hostPath, target);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      'CreateContainerError',
      `Cannot place the volume of mountPath ${mount.containerPath}: ${(error as Error).message}`,
      error,
    );
  }
}

async function placeWorkingDirectory(spec: ContainerSpec): Promise<string> {
  const directory = insidePod(spec.podDirectory, spec.workingDir ?? '/');
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() === true) return directory;
  throw new StartError(
    'CreateContainerError',
    `Working directory ${spec.workingDir ?? '/'} ${found === undefined ? 'does not exist' : 'is no directory'} in the folder of the Pod (${directory}): mount a volume there or change workingDir`,
  );
}

async function resolveProgram(
  spec: ContainerSpec,
  command: string,
  workingDirectory: string,
  path: string,
): Promise<string> {
  if (command.includes('/')) {
    const program = isAbsolute(command) ? command : join(workingDirectory, command);
    const problem = await executableProblem(program);
    if (problem === undefined) return program;
    throw notRunnable(spec, command, `${program} ${problem}`, hintFor(spec, command));
  }
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const program = join(folder, command);
    if ((await executableProblem(program)) === undefined) return program;
  }
  const hint = 'install it, or give its full path in command';
  throw notRunnable(spec, command, `it is in no folder of PATH (${path})`, hint);
}

function notRunnable(
  spec: ContainerSpec,
  command: string,
  found: string,
  hint: string,
): StartError {
  return new StartError(
    'RunContainerError',
    `Cannot run ${JSON.stringify(command)} of container ${spec.identity.container}: ${found}; ${hint}`,
  );
}

function hintFor(spec: ContainerSpec, command: string): string {
  const mount = spec.mounts.find(
    ({ containerPath }) => command === containerPath || command.startsWith(`${containerPath}/`),
  );
  return mount === undefined
    ? 'the process runtime runs programs of this machine: check the path and its execute permission'
    : `volumes are placed below the folder of the Pod: write it as ${command.slice(1)} and, for files from ConfigMaps, set defaultMode 0755`;
}

async function executableProblem(program: string): Promise<string | undefined> {
  const found = await stat(program).catch(() => undefined);
  if (found === undefined) return 'does not exist';
  if (!found.isFile()) return 'is no file';
  try {
    await access(program, constants.X_OK);
    return undefined;
  } catch {
    return 'is not executable';
  }
}
