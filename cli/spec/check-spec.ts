// The rules that a spec must keep before anything is made of it, each with the sentence that a user of uncloud knows. What only the
// Service kind asks for, the server says. Pure.
import {
  ImageReferenceError,
  parseImageReference,
} from '#controllers/machinery/image-reference.ts';
import { parseDuration } from '#controllers/machinery/duration.ts';
import { parsePort } from '../run/port-text.ts';
import { UsageError } from '../usage-error.ts';
import { isHttp } from './neutral-spec.ts';
import type { NeutralConfigMount, NeutralSpec, NeutralVolume } from './neutral-spec.ts';

const NAME = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const LONGEST_NAME = 63;
/** Of users and groups. */
const HIGHEST_ID = 2 ** 31 - 1;
const MODES: readonly string[] = ['', 'replicated', 'global'];
const PULL_POLICIES: readonly string[] = ['', 'missing', 'always', 'never'];
const ORDERS: readonly string[] = ['', 'start-first', 'stop-first'];
/** As engines have them; `private` and `rprivate` are what a Pod has anyway. */
const PROPAGATIONS: readonly string[] = [
  '',
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
];
/** Of a folder: what is mounted below comes with it. A Pod cannot leave that out. */
const RECURSIVE: readonly string[] = ['', 'enabled', 'writable', 'readonly'];
const VOLUME_TYPES: readonly string[] = ['volume', 'bind', 'tmpfs'];

/** @throws UsageError that names the field, what was found and what may stand there */
export function checkSpec(spec: NeutralSpec): void {
  const { name = '', mode = '', replicas = 0, updateConfig: update = {} } = spec;
  checkImage(spec.container.image);
  if (name !== '') checkName(name);
  oneOf('mode', mode, MODES);
  if (!Number.isSafeInteger(replicas) || replicas < 0)
    throw new UsageError(`invalid replicas: ${replicas}, must be a whole number from 0`);
  oneOf('pull policy', spec.container.pullPolicy ?? '', PULL_POLICIES);
  oneOf('update order', update.order ?? '', ORDERS);
  checkDuration('monitor period', update.monitorPeriod);
  checkDuration('stop grace period', spec.container.stopGracePeriod);
  checkPorts(spec);
  checkVolumes(spec);
  checkConfigs(spec);
  checkHook(spec);
}

function checkImage(image: string): void {
  try {
    parseImageReference(image);
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

function checkName(name: string): void {
  const must = `must be up to ${LONGEST_NAME} lower-case letters, digits and '-', and begin and end with a letter or digit`;
  if (name.length > LONGEST_NAME)
    throw new UsageError(
      `invalid service name '${name.slice(0, LONGEST_NAME)}…': service name too long (max ${LONGEST_NAME} characters), found ${name.length}; ${must}`,
    );
  if (!NAME.test(name)) throw new UsageError(`invalid service name '${name}': ${must}`);
}

function oneOf(what: string, found: string, allowed: readonly string[]): void {
  if (allowed.includes(found)) return;
  const words = allowed.filter((word) => word !== '').join(', ');
  throw new UsageError(`invalid ${what}: '${found}', use one of ${words}`);
}

function checkDuration(what: string, text: string | undefined): void {
  if (text !== undefined && text !== '' && parseDuration(text) === undefined)
    throw new UsageError(`invalid ${what}: '${text}' is no duration; write it as 30s or 1m30s`);
}

function checkPorts({ ports = [], caddy = '' }: NeutralSpec): void {
  const parsed = ports.map((text) => parsePort(text));
  const isIngress = parsed.some(({ mode, protocol }) => mode === 'ingress' && isHttp(protocol));
  if (caddy.trim() !== '' && isIngress)
    throw new UsageError(
      'ingress ports and Caddy configuration cannot be specified simultaneously: leave one of them out',
    );
}

function checkVolumes({ volumes = [], container }: NeutralSpec): void {
  const names = new Set<string>();
  for (const volume of volumes) {
    checkVolume(volume);
    if (names.has(volume.name)) throw new UsageError(`duplicate volume name: '${volume.name}'`);
    names.add(volume.name);
  }
  const paths = new Set<string>();
  for (const { volume, path } of container.volumeMounts ?? []) {
    if (volume === '') throw new UsageError('invalid volume mount: volume name must not be empty');
    if (!path.startsWith('/'))
      throw new UsageError(
        `invalid volume mount: invalid container path: '${path}', must be an absolute path in the container`,
      );
    if (!names.has(volume))
      throw new UsageError(
        `volume mount references a volume that doesn't exist in the service spec: '${volume}'`,
      );
    if (paths.has(path))
      throw new UsageError(`duplicate volume mount: two volumes are mounted at '${path}'`);
    paths.add(path);
  }
}

function checkVolume(volume: NeutralVolume): void {
  const { name, type, hostPath = '', sizeBytes = 0, propagation = '', recursive = '' } = volume;
  if (name === '')
    throw new UsageError(
      'invalid volume: volume name must not be empty; mounts find it by its name',
    );
  if (!VOLUME_TYPES.includes(type))
    throw new UsageError(
      `invalid volume type: '${type as string}' of volume '${name}', use volume, bind or tmpfs`,
    );
  if (type === 'bind' && hostPath === '')
    throw new UsageError(`volume '${name}': bind volume must have bind options, a host path`);
  if (type === 'bind' && !hostPath.startsWith('/'))
    throw new UsageError(`volume '${name}': host path '${hostPath}' must be an absolute path`);
  oneOf(`propagation of volume '${name}'`, propagation, PROPAGATIONS);
  oneOf(`recursive of volume '${name}'`, recursive, RECURSIVE);
  if (sizeBytes < 0) throw new UsageError(`volume '${name}': size must not be negative`);
}

function checkConfigs({ configs = [], container }: NeutralSpec): void {
  const names = new Set<string>();
  for (const { name } of configs) {
    if (name === '') throw new UsageError('config name is required');
    if (names.has(name)) throw new UsageError(`duplicate config name: '${name}'`);
    names.add(name);
  }
  for (const mount of container.configMounts ?? []) {
    if (mount.config === '')
      throw new UsageError(
        'invalid config mount: config mount source is required, the name of a config',
      );
    if (!names.has(mount.config))
      throw new UsageError(
        `config mount source '${mount.config}' does not refer to any defined config: define it in configs, or correct the name`,
      );
    checkFile(mount);
  }
}

function checkFile({ config, path = '', uid, gid, mode }: NeutralConfigMount): void {
  if (path !== '' && !path.startsWith('/'))
    throw new UsageError(
      `config mount of '${config}': container path must be absolute, found '${path}'`,
    );
  for (const [what, id = ''] of [
    ['Uid', uid],
    ['Gid', gid],
  ] as const) {
    if (id !== '' && !/^\d+$/.test(id))
      throw new UsageError(
        `config mount of '${config}': invalid ${what} '${id}', must be a number`,
      );
    if (Number(id) > HIGHEST_ID)
      throw new UsageError(
        `config mount of '${config}': invalid ${what} '${id}': value too high, ${HIGHEST_ID} is the highest`,
      );
  }
  if (mode !== undefined && fileMode(mode) === undefined)
    throw new UsageError(
      `config mount of '${config}': invalid mode '${mode}', must be octal as 0644`,
    );
}

/** Permissions as a number; `undefined` for what are none. */
export function fileMode(mode: string | number): number | undefined {
  const number =
    typeof mode === 'number' ? mode : /^(0o?)?[0-7]{1,4}$/.test(mode) ? octal(mode) : -1;
  return Number.isInteger(number) && number >= 0 && number <= 0o7777 ? number : undefined;
}

function octal(text: string): number {
  return Number.parseInt(text.replace('o', ''), 8);
}

function checkHook({ preDeploy }: NeutralSpec): void {
  if (preDeploy === undefined) return;
  if ((preDeploy.command ?? []).length === 0)
    throw new UsageError(
      'pre-deploy hook command is required: give it a program and its arguments',
    );
  checkDuration('pre-deploy hook timeout', preDeploy.timeout);
}
