// Translates between ContainerSpecs and what the Docker Engine takes and tells. Pure.
import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode';
import type {
  ContainerIdentity,
  ContainerSpec,
  ContainerState,
  ContainerStatus,
  Endpoint,
} from './runtime.ts';

const PREFIX = 'windlass.dev';
export const LABELS = {
  owner: `${PREFIX}/owner`,
  namespace: `${PREFIX}/pod-namespace`,
  pod: `${PREFIX}/pod-name`,
  podUID: `${PREFIX}/pod-uid`,
  container: `${PREFIX}/container`,
  attempt: `${PREFIX}/attempt`,
} as const;

/** A filter of the Engine's list and events. */
export function labelFilter(owner: string): string {
  return `${LABELS.owner}=${owner}`;
}

export function isOurs(info: ContainerInspectInfo, owner: string): boolean {
  return info.Config.Labels[LABELS.owner] === owner;
}

export function createOptions(
  spec: ContainerSpec,
  owner: string,
): ContainerCreateOptions & { name: string } {
  const { identity } = spec;
  const ports = spec.ports.map((port) => ({
    key: `${port.containerPort}/${port.protocol.toLowerCase()}`,
    binding: {
      HostIp: port.hostPort === undefined ? '127.0.0.1' : (port.hostIP ?? '0.0.0.0'),
      HostPort: port.hostPort === undefined ? '' : String(port.hostPort),
    },
  }));
  return {
    name: `windlass_${identity.container}_${identity.pod}_${identity.namespace}_${identity.podUID}_${identity.attempt}`,
    Image: spec.image,
    Hostname: identity.pod.slice(0, 63),
    ...(spec.command.length === 0 ? {} : { Entrypoint: [...spec.command] }),
    // With a command of the Pod's the image's own arguments do not apply.
    ...(spec.args.length === 0 && spec.command.length === 0 ? {} : { Cmd: [...spec.args] }),
    ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: {
      [LABELS.owner]: owner,
      [LABELS.namespace]: identity.namespace,
      [LABELS.pod]: identity.pod,
      [LABELS.podUID]: identity.podUID,
      [LABELS.container]: identity.container,
      [LABELS.attempt]: String(identity.attempt),
    },
    ExposedPorts: Object.fromEntries(ports.map(({ key }) => [key, {}])),
    HostConfig: {
      Binds: spec.mounts.map(
        ({ hostPath, containerPath, readOnly }) =>
          `${hostPath}:${containerPath}${readOnly ? ':ro' : ''}`,
      ),
      PortBindings: Object.fromEntries(ports.map(({ key, binding }) => [key, [binding]])),
      // Restarts are the agent's: two who restart would fight.
      RestartPolicy: { Name: '' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      ...(spec.cpuLimitMillis === undefined ? {} : { NanoCpus: spec.cpuLimitMillis * 1_000_000 }),
      ...(spec.memoryLimitBytes === undefined ? {} : { Memory: spec.memoryLimitBytes }),
    },
  };
}

/** undefined when the labels are not ours or not complete. */
export function statusOf(info: ContainerInspectInfo): ContainerStatus | undefined {
  const identity = identityOf(info.Config.Labels);
  if (identity === undefined) return undefined;
  return {
    identity,
    id: `docker://${info.Id}`,
    image: info.Config.Image,
    imageID: info.Image,
    state: stateOf(info),
    endpoints: endpointsOf(info),
  };
}

function identityOf(labels: Readonly<Record<string, string>>): ContainerIdentity | undefined {
  const { [LABELS.namespace]: namespace, [LABELS.pod]: pod, [LABELS.podUID]: podUID } = labels;
  const container = labels[LABELS.container];
  const attempt = Number(labels[LABELS.attempt]);
  if (namespace === undefined || pod === undefined || podUID === undefined) return undefined;
  if (container === undefined || !Number.isInteger(attempt)) return undefined;
  return { namespace, pod, podUID, container, attempt };
}

function stateOf({ State, Created }: ContainerInspectInfo): ContainerState {
  const startedAt = Date.parse(State.StartedAt);
  if (State.Running) return { state: 'running', startedAt };
  const created = Date.parse(Created);
  if (State.Status === 'created') {
    return {
      state: 'exited',
      startedAt: created,
      finishedAt: created,
      exitCode: undefined,
      reason: 'ContainerStatusUnknown',
      message: 'it was created but never started',
    };
  }
  const exitCode = State.ExitCode;
  const reason = State.OOMKilled ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
  return {
    state: 'exited',
    startedAt,
    finishedAt: Date.parse(State.FinishedAt),
    exitCode,
    reason,
    ...(State.Error === '' ? {} : { message: State.Error }),
  };
}

function endpointsOf({ NetworkSettings }: ContainerInspectInfo): ReadonlyMap<number, Endpoint> {
  const endpoints = new Map<number, Endpoint>();
  // The Engine leaves out or nulls what is not published.
  const ports = NetworkSettings.Ports as Readonly<
    Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
  >;
  for (const [key, bindings] of Object.entries(ports)) {
    const binding = bindings?.[0];
    if (binding === undefined || !key.endsWith('/tcp')) continue;
    const everywhere = binding.HostIp === '0.0.0.0' || binding.HostIp === '';
    endpoints.set(Number.parseInt(key, 10), {
      host: everywhere ? '127.0.0.1' : binding.HostIp,
      port: Number(binding.HostPort),
    });
  }
  return endpoints;
}
