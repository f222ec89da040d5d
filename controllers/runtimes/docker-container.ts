// Translates between ContainerSpecs and what the Docker Engine takes and tells. Pure.
import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode';
import { addressesOf } from './docker-sandbox.ts';
import { containerLabels, identityOf, LABELS } from './docker-labels.ts';
import type { ContainerSpec, ContainerState, ContainerStatus, Endpoint } from './runtime.ts';

export function isOurs(info: ContainerInspectInfo, owner: string): boolean {
  return info.Config.Labels[LABELS.owner] === owner;
}

export function createOptions(
  spec: ContainerSpec,
  owner: string,
): ContainerCreateOptions & { name: string } {
  const { identity } = spec;
  return {
    name: `windlass_${identity.container}_${identity.pod}_${identity.namespace}_${identity.podUID}_${identity.attempt}`,
    Image: spec.image,
    ...(spec.command.length === 0 ? {} : { Entrypoint: [...spec.command] }),
    // With a command of the Pod's the image's own arguments do not apply.
    ...(spec.args.length === 0 && spec.command.length === 0 ? {} : { Cmd: [...spec.args] }),
    ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...containerLabels(identity, owner) },
    HostConfig: {
      ...namespacesOf(spec),
      Binds: spec.mounts.map(
        ({ hostPath, containerPath, readOnly }) =>
          `${hostPath}:${containerPath}${readOnly ? ':ro' : ''}`,
      ),
      // Restarts are the agent's: two who restart would fight.
      RestartPolicy: { Name: '' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      ...(spec.cpuLimitMillis === undefined ? {} : { NanoCpus: spec.cpuLimitMillis * 1_000_000 }),
      ...(spec.memoryLimitBytes === undefined ? {} : { Memory: spec.memoryLimitBytes }),
    },
  };
}

function namespacesOf({
  sandbox: { id, spec },
}: ContainerSpec): ContainerCreateOptions['HostConfig'] {
  const joined = `container:${id}`;
  return {
    NetworkMode: spec.hostNetwork ? 'host' : joined,
    IpcMode: spec.hostIPC ? 'host' : id === undefined ? 'private' : joined,
    ...(spec.hostPID ? { PidMode: 'host' } : spec.shareProcessNamespace ? { PidMode: joined } : {}),
    ...(id === undefined && spec.sharedMemoryBytes !== undefined
      ? { ShmSize: spec.sharedMemoryBytes }
      : {}),
  };
}

/** undefined when the labels are not ours or not complete. */
export function statusOf(
  info: ContainerInspectInfo,
  sandbox: ContainerInspectInfo | undefined,
): ContainerStatus | undefined {
  const identity = identityOf(info.Config.Labels);
  if (identity === undefined) return undefined;
  return {
    identity,
    id: `docker://${info.Id}`,
    image: info.Config.Image,
    imageID: info.Image,
    state: stateOf(info),
    endpoints: sandbox === undefined ? new Map() : endpointsOf(sandbox),
    podIPs: sandbox === undefined ? [] : addressesOf(sandbox),
  };
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
