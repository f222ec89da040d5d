// What the runtime is asked to run for one container of a Pod: the Kubernetes words turned into the runtime's.
import { join } from 'node:path';
import type { ContainerSpec, PodSandbox, Runtime } from '../runtimes/runtime.ts';
import { containerResources } from './container-resources.ts';
import { containerSecurity } from './container-security.ts';
import { buildEnvironment, expand } from './environment.ts';
import type { References } from './environment.ts';
import { engineOptionsOf } from './engine-annotation.ts';
import { DEFAULT_GRACE_SECONDS } from './pod.ts';
import type { Container, Pod } from './pod.ts';
import { mountsOf } from './volumes.ts';

/** What a Pod refers to, fetched and laid out on this machine. */
export interface Prepared {
  /** With the addresses that it has by now. */
  readonly pod: Pod;
  readonly sandbox: PodSandbox;
  readonly references: References;
  /** Host path of each volume, by name. */
  readonly volumes: ReadonlyMap<string, string>;
  /** Names of those that the engine keeps, by name. */
  readonly engineVolumes: ReadonlyMap<string, string>;
  /** Where services are: known before, and overridden by, all else. */
  readonly serviceEnvironment?: Readonly<Record<string, string>>;
}

export interface ContainerSpecInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly prepared: Prepared;
  readonly attempt: number;
  readonly hostIP: string;
  /** Of the Pod, on this machine. */
  readonly folder: string;
  readonly runtime: Pick<Runtime, 'choosePort'>;
}

/** @throws StartError naming what is missing */
export async function containerSpec(input: ContainerSpecInput): Promise<ContainerSpec> {
  const { pod, container, prepared, attempt, hostIP, folder, runtime } = input;
  const ports = portsOf(container);
  const { imageHealthCheck = true, ...engine } = engineOptionsOf(pod);
  const stopSignal = container.lifecycle?.stopSignal;
  const port = await runtime.choosePort(ports);
  const env = buildEnvironment({
    pod,
    container,
    references: prepared.references,
    hostIP,
    given: {
      ...prepared.serviceEnvironment,
      ...(port === undefined ? {} : { PORT: String(port) }),
    },
  });
  return {
    sandbox: prepared.sandbox,
    identity: {
      namespace: pod.metadata.namespace ?? 'default',
      pod: pod.metadata.name,
      podUID: pod.metadata.uid,
      container: container.name,
      attempt,
    },
    image: container.image ?? '',
    command: (container.command ?? []).map((word) => expand(word, env)),
    args: (container.args ?? []).map((word) => expand(word, env)),
    ...(container.workingDir === undefined || container.workingDir === ''
      ? {}
      : { workingDir: container.workingDir }),
    env,
    ports,
    mounts: await mountsOf(container, prepared.volumes, prepared.engineVolumes),
    imagePullPolicy: pullPolicy(container),
    podDirectory: join(folder, 'root'),
    logFile: join(folder, 'logs', container.name, `${attempt}.log`),
    resources: containerResources(container.resources),
    security: containerSecurity(pod, container),
    engine: { ...engine, ...(stopSignal === undefined ? {} : { stopSignal }) },
    ...(container.stdin === true ? { stdin: { once: container.stdinOnce === true } } : {}),
    ...(container.tty === true ? { tty: true } : {}),
    imageHealthCheck: imageHealthCheck && !hasProbes(container),
    stopGraceSeconds: pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
  };
}

/** The agent asks it itself: its image need not. */
export function hasProbes(container: Container): boolean {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  return [livenessProbe, readinessProbe, startupProbe].some((probe) => probe !== undefined);
}

export function portsOf(container: Pick<Container, 'ports'>): ContainerSpec['ports'] {
  return (container.ports ?? []).map(({ name, containerPort, hostPort, hostIP: on, protocol }) => ({
    ...(name === undefined ? {} : { name }),
    containerPort,
    ...(hostPort === undefined ? {} : { hostPort }),
    ...(on === undefined ? {} : { hostIP: on }),
    protocol: protocol === 'UDP' ? ('UDP' as const) : ('TCP' as const),
  }));
}

/** Upstream's default: images without a tag, or with `latest`, are pulled each time. */
export function pullPolicy({
  image = '',
  imagePullPolicy,
}: Pick<Container, 'image' | 'imagePullPolicy'>): ContainerSpec['imagePullPolicy'] {
  if (imagePullPolicy === 'Always' || imagePullPolicy === 'Never') return imagePullPolicy;
  if (imagePullPolicy === 'IfNotPresent') return imagePullPolicy;
  const name = image.split('/').at(-1) ?? '';
  return !image.includes('@') && (!name.includes(':') || name.endsWith(':latest'))
    ? 'Always'
    : 'IfNotPresent';
}
