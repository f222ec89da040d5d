// What the runtime is asked to run for one container of a Pod: the Kubernetes words turned into the runtime's.
import { join } from 'node:path';
import { parseQuantity, ONE } from '../machinery/quantity.ts';
import type { ContainerSpec, PodSandbox, Runtime } from '../runtimes/runtime.ts';
import { buildEnvironment, expand } from './environment.ts';
import type { References } from './environment.ts';
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
  const port = await runtime.choosePort(ports);
  const env = buildEnvironment({
    pod,
    container,
    references: prepared.references,
    hostIP,
    given: port === undefined ? {} : { PORT: String(port) },
  });
  const memory = parseQuantity(container.resources?.limits?.['memory'] ?? '');
  const cpu = parseQuantity(container.resources?.limits?.['cpu'] ?? '');
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
    mounts: await mountsOf(container, prepared.volumes),
    imagePullPolicy: pullPolicy(container),
    podDirectory: join(folder, 'root'),
    logFile: join(folder, 'logs', container.name, `${attempt}.log`),
    ...(cpu === undefined ? {} : { cpuLimitMillis: Number((cpu * 1000n) / ONE) }),
    ...(memory === undefined ? {} : { memoryLimitBytes: Number(memory / ONE) }),
  };
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
