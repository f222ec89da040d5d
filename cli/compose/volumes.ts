// `volumes` of Compose: named ones become those of the service kind, folders of the machine, tmpfs and anonymous ones volumes of the Pod.
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { ServiceVolume } from '#controllers/service/types.ts';
import { parseComposeVolume } from './volume-text.ts';
import type { Field } from './field.ts';
import { dnsLabel } from '../spec/dns-label.ts';
import { textMap } from './texts.ts';
import { bytesQuantity, parseBytes } from './units.ts';

export interface Mounts {
  readonly mounts: readonly V1VolumeMount[];
  readonly podVolumes: readonly V1Volume[];
  readonly volumes: readonly ServiceVolume[];
}

const TOP_LEVEL = ['driver', 'driver_opts', 'external', 'labels', 'name'];
const LONG = [
  'bind',
  'consistency',
  'read_only',
  'source',
  'target',
  'tmpfs',
  'type',
  'volume',
  'image',
];

/** The volumes that the file declares, by the key they are mounted by. */
export function declaredVolumes(section: Field | undefined): ReadonlyMap<string, ServiceVolume> {
  const volumes = new Map<string, ServiceVolume>();
  for (const [key, field] of section?.entries() ?? []) {
    const name = dnsLabel(key);
    const volume = field.isNull ? { name } : declaredVolume(field, name);
    volumes.set(key, volume);
  }
  return volumes;
}

function declaredVolume(field: Field, name: string): ServiceVolume {
  field.refuseUnknown(TOP_LEVEL);
  const named = field.get('name');
  const external = field.get('external');
  const isExternal = external !== undefined && (external.isMap || external.boolean());
  const oldName = external?.isMap === true ? external.get('name') : undefined;
  const given = named ?? oldName;
  const claimName = given === undefined ? name : dnsLabel(given.text());
  const driver = field.get('driver')?.text();
  const options = textMap(field.get('driver_opts'));
  const labels = textMap(field.get('labels'));
  const base = { name, ...(claimName === name ? {} : { claimName }) };
  if (isExternal) {
    if (driver !== undefined || Object.keys(options).length > 0)
      field.fail('an external volume is used as it is: leave out driver and driver_opts');
    return { ...base, external: true };
  }
  const hasOptions = Object.keys(options).length > 0;
  return {
    ...base,
    ...(driver === undefined && !hasOptions
      ? {}
      : { driver: { name: driver ?? 'local', ...(hasOptions ? { options } : {}) } }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

/** What a service mounts with `volumes` and `tmpfs`. */
export function mountsOf(service: Field, declared: ReadonlyMap<string, ServiceVolume>): Mounts {
  const result = new MountList(declared);
  for (const item of service.get('volumes')?.items() ?? []) {
    if (item.isText) result.addShort(item);
    else result.addLong(item);
  }
  for (const item of service.get('tmpfs')?.itemsOrOne() ?? []) result.addTmpfs(item);
  return result;
}

class MountList implements Mounts {
  readonly mounts: V1VolumeMount[] = [];
  readonly podVolumes: V1Volume[] = [];
  readonly #declared: ReadonlyMap<string, ServiceVolume>;
  readonly #used = new Map<string, ServiceVolume>();
  readonly #paths = new Map<string, Field>();

  constructor(declared: ReadonlyMap<string, ServiceVolume>) {
    this.#declared = declared;
  }

  get volumes(): readonly ServiceVolume[] {
    return [...this.#used.values()];
  }

  addShort(field: Field): void {
    const { source, path, isReadOnly, propagation, ignored } = field.attempt(() =>
      parseComposeVolume(field.text()),
    );
    for (const option of ignored) field.warn(`option ${option} has no meaning here and is ignored`);
    const more = { ...readOnly(isReadOnly), ...propagationOf(propagation) };
    if (source === undefined) this.#mount(field, this.#podVolume('volume', { emptyDir: {} }), path);
    else if (isFolder(source)) this.#bind(field, source, path, more, false);
    else this.#mount(field, this.#named(field, source), path, more);
  }

  addLong(field: Field): void {
    field.refuseUnknown(LONG);
    const type = field.get('type')?.text() ?? 'volume';
    const target = field.get('target') ?? field.fail('target is missing');
    const path = target.text();
    const source = field.get('source');
    const more = readOnly(field.get('read_only')?.boolean() ?? false);
    if (type === 'bind') {
      const from = source ?? field.fail('source is missing: the folder of the machine');
      const bind = field.get('bind');
      bind?.refuseUnknown(['create_host_path', 'propagation', 'recursive', 'selinux']);
      for (const key of ['recursive', 'selinux'])
        bind?.get(key)?.warn('has no meaning here and is ignored');
      const propagation = propagationOf(bind?.get('propagation')?.text());
      const create = bind?.get('create_host_path')?.boolean() ?? false;
      this.#bind(from, from.text(), path, { ...more, ...propagation }, create);
    } else if (type === 'tmpfs') {
      const tmpfs = field.get('tmpfs');
      tmpfs?.refuseUnknown(['mode', 'size']);
      tmpfs?.get('mode')?.warn('everybody may write to a tmpfs here; the mode is ignored');
      this.#memory(field, path, tmpfs?.get('size')?.bytes());
    } else if (type === 'volume') {
      const volume = field.get('volume');
      volume?.refuseUnknown(['labels', 'nocopy', 'subpath']);
      volume?.get('labels')?.warn('labels are those of the volume at the top level; ignored');
      const subPath = volume?.get('subpath')?.text();
      const name =
        source === undefined
          ? this.#podVolume('volume', { emptyDir: {} })
          : this.#named(source, source.text());
      this.#mount(field, name, path, { ...more, ...(subPath === undefined ? {} : { subPath }) });
    } else field.fail(`type '${type}' is not supported: use volume, bind or tmpfs`);
  }

  /** `/run`, `/run:size=64m,mode=1777` */
  addTmpfs(field: Field): void {
    const [path = '', options = ''] = field.text().split(':');
    let size: number | undefined;
    for (const option of options.split(',').filter((one) => one !== '')) {
      const bytes = /^size=(.*)$/.exec(option)?.[1];
      if (bytes === undefined) field.warn(`option ${option} has no meaning here and is ignored`);
      else size = parseBytes(bytes) ?? field.fail(`'${bytes}' is no size such as 64m`);
    }
    this.#memory(field, path, size);
  }

  #memory(field: Field, path: string, size: number | undefined): void {
    const sizeLimit = size === undefined ? {} : { sizeLimit: bytesQuantity(size) };
    this.#mount(
      field,
      this.#podVolume('tmpfs', { emptyDir: { medium: 'Memory', ...sizeLimit } }),
      path,
    );
  }

  #bind(field: Field, folder: string, path: string, more: object, create: boolean): void {
    if (!folder.startsWith('/'))
      field.fail(
        `'${folder}' is relative: the file is here and the instances are on other machines; name an absolute folder, a volume, or a config`,
      );
    const type = create ? { type: 'DirectoryOrCreate' } : {};
    const name = this.#podVolume('bind', { hostPath: { path: folder, ...type } });
    this.#mount(field, name, path, more);
  }

  #named(field: Field, key: string): string {
    const volume = this.#declared.get(key);
    if (volume === undefined)
      return field.fail(
        `volume mount references a volume that doesn't exist in the service spec: '${key}'; add it to volumes at the top level`,
      );
    this.#used.set(volume.name, volume);
    return volume.name;
  }

  #podVolume(kind: string, source: Omit<V1Volume, 'name'>): string {
    const { path: folder } = source.hostPath ?? {};
    const same = this.podVolumes.find(
      ({ hostPath }) => hostPath !== undefined && hostPath.path === folder,
    );
    if (same !== undefined) return same.name;
    const declared = [...this.#declared.values()].map(({ name }) => name);
    const taken = new Set([...declared, ...this.podVolumes.map(({ name }) => name)]);
    let number = 1;
    while (taken.has(`${kind}-${number}`)) number += 1;
    const name = `${kind}-${number}`;
    this.podVolumes.push({ name, ...source });
    return name;
  }

  #mount(field: Field, name: string, path: string, more: object = {}): void {
    if (!path.startsWith('/')) field.fail(`'${path}' must be an absolute path in the container`);
    const other = this.#paths.get(path);
    if (other !== undefined) field.fail(`${path} is mounted by ${other.name} already`);
    this.#paths.set(path, field);
    this.mounts.push({ name, mountPath: path, ...more });
  }
}

function readOnly(is: boolean): { readonly readOnly?: true } {
  return is ? { readOnly: true } : {};
}

/** Docker's words as those of a Pod. */
function propagationOf(word: string | undefined): { readonly mountPropagation?: string } {
  if (word === 'rshared' || word === 'shared') return { mountPropagation: 'Bidirectional' };
  if (word === 'rslave' || word === 'slave') return { mountPropagation: 'HostToContainer' };
  return {};
}

function isFolder(source: string): boolean {
  return /^[/.~]|^[A-Za-z]:\\/.test(source);
}
