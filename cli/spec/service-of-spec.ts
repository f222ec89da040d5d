// A Service of ours from a short spec: the mapping of docs/uncloud.md. Pure.
import type {
  Engine,
  FileMount,
  Hook,
  PodTemplate,
  Service,
  ServiceConfig,
  ServiceSpec,
  ServiceVolume,
} from '#controllers/service/types.ts';
import { parsePort } from '../run/port-text.ts';
import { checkPublished } from '../run/published-ports.ts';
import { UsageError } from '../usage-error.ts';
import { checkSpec, fileMode } from './check-spec.ts';
import {
  containerOfSpec,
  engineOf,
  envOf,
  gracePeriodOf,
  literal,
  takesEntrypointAway,
  userOf,
} from './container-of-spec.ts';
import { dnsLabel } from './dns-label.ts';
import { ingressEntry } from './ingress-entry.ts';
import type { NeutralSpec, NeutralVolume } from './neutral-spec.ts';

export interface ServiceManifest {
  readonly apiVersion: 'windlass.dev/v1alpha1';
  readonly kind: 'Service';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Service['spec'];
}

const ORDERS = { 'start-first': 'StartFirst', 'stop-first': 'StopFirst' } as const;

/** @param spec with a name. @throws UsageError for what breaks a rule, or what a Service has no word for */
export function serviceOfSpec(spec: NeutralSpec, namespace: string): ServiceManifest {
  checkSpec(spec);
  const { name = '', ports = [] } = spec;
  const published = ports.map((text) => parsePort(text));
  checkPublished(published);
  // The same name, twice on one port, is one entry.
  const entries = published.filter(({ mode }) => mode === 'ingress').map(ingressEntry);
  const ingress = [...new Map(entries.map((one) => [JSON.stringify(one), one])).values()];
  return {
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: {
      ...modeOf(spec),
      template: templateOf(spec, name),
      ...placementOf(spec),
      ...listed('volumes', namedVolumes(spec).map(volumeOf)),
      ...listed('configs', configsOf(spec)),
      ...engineField(engineOf(spec.container)),
      ...listed('ingress', ingress),
      ...strategyOf(spec),
      ...hooksOf(spec),
    },
  };
}

function listed<T>(name: string, list: readonly T[]): Readonly<Record<string, readonly T[]>> {
  return list.length === 0 ? {} : { [name]: list };
}

function engineField(engine: Engine): Pick<ServiceSpec, 'engine'> {
  return Object.keys(engine).length === 0 ? {} : { engine };
}

/** A spec cannot ask for none: no replicas are one. */
function modeOf({ mode, replicas = 0 }: NeutralSpec): Pick<ServiceSpec, 'mode' | 'replicas'> {
  if (mode === 'global') return { mode: 'Global' };
  return { mode: 'Replicated', replicas: Math.max(1, replicas) };
}

function placementOf({ placement }: NeutralSpec): Pick<ServiceSpec, 'placement'> {
  const nodes = placement?.machines ?? [];
  return nodes.length === 0 ? {} : { placement: { nodes } };
}

function templateOf(spec: NeutralSpec, name: string): PodTemplate {
  const { container } = spec;
  const sysctls = Object.entries(container.sysctls ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([sysctl, value]) => ({ name: sysctl, value }));
  const podVolumes = mountedVolumes(spec).flatMap(podVolumeOf);
  const podSpec = {
    containers: [containerOfSpec(spec, name)],
    terminationGracePeriodSeconds: gracePeriodOf(container),
    ...(container.pidMode === 'host' ? { hostPID: true } : {}),
    ...(sysctls.length === 0 ? {} : { securityContext: { sysctls } }),
    ...listed('volumes', podVolumes),
  };
  return { spec: podSpec };
}

function podVolumeOf(volume: NeutralVolume): readonly object[] {
  const name = dnsLabel(volume.name);
  if (volume.type === 'bind') {
    const type = volume.createHostPath === true ? { type: 'DirectoryOrCreate' } : {};
    return [{ name, hostPath: { path: volume.hostPath, ...type } }];
  }
  if (volume.type !== 'tmpfs') return [];
  const size = volume.sizeBytes ?? 0;
  const limit = size === 0 ? {} : { sizeLimit: String(size) };
  return [{ name, emptyDir: { medium: 'Memory', ...limit } }];
}

/** A volume that no container mounts is no part of any instance. */
function mountedVolumes({ volumes = [], container }: NeutralSpec): readonly NeutralVolume[] {
  const mounted = new Set((container.volumeMounts ?? []).map(({ volume }) => volume));
  return volumes.filter(({ name }) => mounted.has(name));
}

function namedVolumes(spec: NeutralSpec): readonly NeutralVolume[] {
  return mountedVolumes(spec).filter(({ type }) => type === 'volume');
}

/** The name that other services know the volume by. */
export function claimNameOf({ name, volumeName = '' }: NeutralVolume): string {
  return dnsLabel(volumeName === '' ? name : volumeName);
}

export function volumeOf(volume: NeutralVolume): ServiceVolume {
  const name = dnsLabel(volume.name);
  const claimName = claimNameOf(volume);
  const { driver, driverOpts = {}, labels = {}, external } = volume;
  const hasDriver = driver !== undefined || Object.keys(driverOpts).length > 0;
  return {
    name,
    ...(claimName === name ? {} : { claimName }),
    ...(external === true ? { external } : {}),
    ...(hasDriver
      ? {
          driver: {
            name: driver === undefined || driver === '' ? 'local' : driver,
            ...(Object.keys(driverOpts).length === 0 ? {} : { options: driverOpts }),
          },
        }
      : {}),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

/** A config that no container mounts is no part of any instance. */
function configsOf({ configs = [], container }: NeutralSpec): readonly ServiceConfig[] {
  return configs.flatMap(({ name, content }) => {
    const mounts = (container.configMounts ?? [])
      .filter(({ config }) => config === name)
      .map(({ path = '', uid = '', gid = '', mode }): FileMount => {
        const bits = mode === undefined ? undefined : fileMode(mode);
        return {
          path: path === '' ? `/${name}` : path,
          ...(uid === '' ? {} : { uid: Number(uid) }),
          ...(gid === '' ? {} : { gid: Number(gid) }),
          ...(bits === undefined ? {} : { mode: bits }),
        };
      });
    return mounts.length === 0 ? [] : [{ name: dnsLabel(name), content, mounts }];
  });
}

function strategyOf({ updateConfig = {} }: NeutralSpec): Pick<ServiceSpec, 'updateStrategy'> {
  const { order = '', monitorPeriod = '' } = updateConfig;
  if (order === '' && monitorPeriod === '') return {};
  return {
    updateStrategy: {
      ...(order === 'start-first' || order === 'stop-first' ? { order: ORDERS[order] } : {}),
      ...(monitorPeriod === '' ? {} : { monitorPeriod }),
    },
  };
}

function hooksOf({ preDeploy, container }: NeutralSpec): Pick<ServiceSpec, 'hooks'> {
  if (preDeploy === undefined) return {};
  const { privileged, timeout = '', user } = preDeploy;
  const command = (preDeploy.command ?? []).map(literal);
  const env = envOf(preDeploy.env);
  const runAs = userOf(user);
  if (user !== undefined && user !== '' && Object.keys(runAs).length === 0)
    throw new UsageError(
      `pre-deploy hook: user '${user}' must be numbers, UID or UID:GID: a Pod knows no names`,
    );
  const securityContext = { ...(privileged === undefined ? {} : { privileged }), ...runAs };
  const hook: Hook = {
    ...(takesEntrypointAway(container.entrypoint) ? { command } : { args: command }),
    ...(env.length === 0 ? {} : { env }),
    ...(timeout === '' ? {} : { timeout }),
    ...(Object.keys(securityContext).length === 0 ? {} : { securityContext }),
  };
  return { hooks: { preDeploy: hook } };
}
