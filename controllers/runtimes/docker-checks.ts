// What can be said of a container before it is made, by a look at its image or at the Engine.
import type Docker from 'dockerode';
import { StartError } from './runtime.ts';
import type { ContainerSpec } from './runtime.ts';

/** The user that the image names; '' for none. Asked for only where it matters. @throws StartError when it must not be root and may be */
export async function imageUserOf(docker: Docker, spec: ContainerSpec): Promise<string> {
  const { security, engine, image } = spec;
  const isStated = security.user !== undefined || engine.user !== undefined;
  if (!security.nonRoot && (security.group === undefined || isStated)) return '';
  const { Config } = await docker.getImage(image).inspect();
  const imageUser = Config.User;
  if (security.nonRoot) checkNonRoot(spec, imageUser);
  return imageUser;
}

/** The Engine looks long for a log driver that it does not have. @throws StartError that names those it has */
export async function checkLogDriver(
  docker: Docker,
  { engine: { logDriver }, identity }: ContainerSpec,
): Promise<void> {
  if (logDriver === undefined || logDriver.name === 'none') return;
  const { Plugins } = (await docker.info()) as {
    readonly Plugins?: { readonly Log?: readonly string[] };
  };
  const known = Plugins?.Log ?? [];
  if (known.length === 0 || known.some((name) => name.split(':')[0] === logDriver.name)) return;
  throw refused(
    `Container ${identity.container}: this Docker Engine has no log driver ${JSON.stringify(logDriver.name)}; it has ${known.join(', ')}`,
  );
}

const SUBPATH_API = [1, 45];

/** Older Engines mount the whole volume in place of a folder of it, without a word. @throws StartError */
export async function checkSubPaths(docker: Docker, { mounts }: ContainerSpec): Promise<void> {
  const asked = mounts.find(({ engineVolume }) => engineVolume?.subPath !== undefined);
  if (asked === undefined) return;
  const { ApiVersion, Version } = await docker.version();
  const [major = 0, minor = 0] = ApiVersion.split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = SUBPATH_API;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return;
  throw refused(
    `Cannot mount the folder ${asked.engineVolume?.subPath} of a volume with a driver at ${asked.containerPath}: this takes Docker Engine 26, and this one is ${Version}; mount the whole volume`,
  );
}

/** In upstream's words. */
function checkNonRoot({ security, engine, identity }: ContainerSpec, imageUser: string): void {
  const where = `(pod: "${identity.pod}_${identity.namespace}(${identity.podUID})", container: ${identity.container})`;
  if (security.user === 0) throw refused(`container's runAsUser breaks non-root policy ${where}`);
  if (security.user !== undefined) return;
  const [user = ''] = (engine.user ?? imageUser).split(':');
  if (user === '' || Number(user) === 0)
    throw refused(`container has runAsNonRoot and image will run as root ${where}`);
  if (!/^\d+$/.test(user)) {
    throw refused(
      `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${where}`,
    );
  }
}

function refused(message: string): StartError {
  return new StartError('CreateContainerConfigError', message);
}
