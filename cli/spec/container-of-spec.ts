// The container of a spec, and what a container can do that a PodSpec has no word for. Pure.
import { parseDuration } from '#controllers/machinery/duration.ts';
import type { Engine } from '#controllers/service/types.ts';
import { parsePort } from '../run/port-text.ts';
import { containerPortsOf } from '../run/published-ports.ts';
import { dnsLabel } from './dns-label.ts';
import type { NeutralContainer, NeutralSpec, NeutralVolume } from './neutral-spec.ts';
import { isHealthcheckOff, probesOfHealthcheck } from './probes-of-healthcheck.ts';

/** A container of a PodSpec, as far as a spec can say it. */
export type ContainerFields = Readonly<Record<string, unknown>> & {
  readonly name: string;
  readonly image: string;
};

const PULL_POLICY: Readonly<Record<string, string>> = {
  always: 'Always',
  missing: 'IfNotPresent',
  never: 'Never',
};

const PROPAGATION: Readonly<Record<string, string>> = {
  rslave: 'HostToContainer',
  slave: 'HostToContainer',
  rshared: 'Bidirectional',
  shared: 'Bidirectional',
};

/** An engine stops a container after ten seconds where nothing is said; Pods have thirty. */
const USUAL_GRACE = '10s';

export function containerOfSpec(spec: NeutralSpec, name: string): ContainerFields {
  const { container } = spec;
  return {
    name,
    image: container.image,
    ...programOf(container),
    ...listed('env', envOf(container.env)),
    ...listed('ports', hostPortsOf(spec.ports ?? [])),
    ...listed('volumeMounts', mountsOf(spec)),
    ...pullPolicyOf(container),
    ...resourcesOf(container),
    ...securityOf(container),
    ...probesOfHealthcheck(container.healthcheck),
  };
}

function listed<T>(name: string, list: readonly T[]): Readonly<Record<string, readonly T[]>> {
  return list.length === 0 ? {} : { [name]: list };
}

/** A text in which nothing is replaced: Pods put variables in the place of `$(NAME)`, engines do not. */
export function literal(text: string): string {
  return /\$[$(]/.test(text) ? text.replaceAll('$', '$$$$') : text;
}

function programOf({ command: words = [], entrypoint = [] }: NeutralContainer): object {
  const command = words.map(literal);
  // Without an entrypoint, the command is the program.
  if (takesEntrypointAway(entrypoint) && command.length > 0) return { command };
  return { ...listed('command', entrypoint.map(literal)), ...listed('args', command) };
}

export function takesEntrypointAway(entrypoint: readonly string[] = []): boolean {
  return entrypoint.length === 1 && entrypoint[0] === '';
}

/** In order of name: a map has none. */
export function envOf(
  env: Readonly<Record<string, string>> = {},
): { readonly name: string; readonly value: string }[] {
  return Object.keys(env)
    .filter((name) => name !== '')
    .toSorted()
    .map((name) => ({ name, value: literal(env[name] ?? '') }));
}

/** Only those of the machine: what the ingress leads to needs no declaration, and a change of it no new instance. */
function hostPortsOf(texts: readonly string[]): readonly object[] {
  return containerPortsOf(
    texts.map((text) => parsePort(text)).filter(({ mode }) => mode === 'host'),
  );
}

function mountsOf({ container, volumes = [] }: NeutralSpec): readonly object[] {
  return (container.volumeMounts ?? []).map(({ volume: name, path, readOnly }) => {
    const volume = volumes.find((candidate) => candidate.name === name);
    return {
      name: dnsLabel(name),
      mountPath: path,
      ...(readOnly === true ? { readOnly } : {}),
      ...bindOptionsOf(volume, readOnly === true),
    };
  });
}

function bindOptionsOf(volume: NeutralVolume | undefined, isReadOnly: boolean): object {
  if (volume === undefined) return {};
  const mountPropagation = PROPAGATION[volume.propagation ?? ''];
  return {
    ...(volume.subPath === undefined || volume.subPath === '' ? {} : { subPath: volume.subPath }),
    ...(mountPropagation === undefined ? {} : { mountPropagation }),
    ...(isReadOnly && volume.recursive === 'readonly' ? { recursiveReadOnly: 'Enabled' } : {}),
  };
}

function pullPolicyOf({ pullPolicy = '' }: NeutralContainer): object {
  const imagePullPolicy = PULL_POLICY[pullPolicy];
  return imagePullPolicy === undefined ? {} : { imagePullPolicy };
}

function resourcesOf({
  resources: { cpu, memory, memoryReservation } = {},
}: NeutralContainer): object {
  const limits = { ...quantity('cpu', cpu, cores), ...quantity('memory', memory, String) };
  const requests = quantity('memory', memoryReservation, String);
  if (Object.keys(limits).length === 0 && Object.keys(requests).length === 0) return {};
  return {
    resources: {
      ...(Object.keys(limits).length === 0 ? {} : { limits }),
      ...(Object.keys(requests).length === 0 ? {} : { requests }),
    },
  };
}

/** 0 is no limit. */
function quantity(name: string, amount = 0, text: (amount: number) => string): object {
  return amount === 0 ? {} : { [name]: text(amount) };
}

/** Billionths of a core; Pods count thousandths. */
function cores(cpu: number): string {
  return cpu % 1e9 === 0 ? String(cpu / 1e9) : `${Math.ceil(cpu / 1e6)}m`;
}

function securityOf(container: NeutralContainer): object {
  const { privileged, capAdd = [], capDrop = [] } = container;
  const capabilities = { ...listed('add', capAdd), ...listed('drop', capDrop) };
  const securityContext = {
    ...(privileged === true ? { privileged } : {}),
    ...(Object.keys(capabilities).length === 0 ? {} : { capabilities }),
    ...userOf(container.user),
  };
  return Object.keys(securityContext).length === 0 ? {} : { securityContext };
}

/** Users and groups by number; names are in engineOf(). */
export function userOf(user = ''): object {
  if (user === 'root') return { runAsUser: 0 };
  if (!isNumeric(user)) return {};
  const [uid, gid] = user.split(':');
  return {
    runAsUser: Number(uid),
    ...(gid === undefined ? {} : { runAsGroup: Number(gid) }),
  };
}

function isNumeric(user: string): boolean {
  return user === 'root' || /^\d{1,10}(:\d{1,10})?$/.test(user);
}

/** Seconds. */
export function gracePeriodOf({ stopGracePeriod = '' }: NeutralContainer): number {
  const ms = parseDuration(stopGracePeriod === '' ? USUAL_GRACE : stopGracePeriod);
  return Math.ceil((ms ?? 0) / 1_000);
}

export function engineOf({
  init,
  logDriver,
  healthcheck,
  user = '',
  resources = {},
}: NeutralContainer): Engine {
  const { devices = [], deviceReservations = [], ulimits = {}, sharedMemory = 0 } = resources;
  const isUsual = logDriver === undefined || isUsualDriver(logDriver);
  return {
    ...(isUsual ? {} : { logDriver: { ...logDriver } }),
    ...(init === undefined ? {} : { init }),
    ...(isHealthcheckOff(healthcheck) ? { imageHealthCheck: false } : {}),
    ...(user === '' || isNumeric(user) ? {} : { user }),
    ...listed(
      'ulimits',
      Object.keys(ulimits)
        .toSorted()
        .map((name) => ({ name, soft: 0, hard: 0, ...ulimits[name] })),
    ),
    ...listed('devices', devices),
    ...listed('deviceRequests', deviceReservations),
    ...(sharedMemory === 0 ? {} : { sharedMemory }),
  };
}

/** `local` means files of the machine that rotate, and those are what we keep anyway. */
function isUsualDriver({ name, options = {} }: { name: string; options?: object }): boolean {
  return (name === '' || name === 'local') && Object.keys(options).length === 0;
}
