// Translates between ContainerSpecs and what the Docker Engine takes and tells. Pure.
import type { ContainerCreateOptions, ContainerInspectInfo, MountSettings } from 'dockerode';
import { addressesOf } from './docker-sandbox.ts';
import { containerLabels, identityOf, LABELS } from './docker-labels.ts';
import { engineResources, resourcesOf } from './docker-resources.ts';
import type {
  ContainerSecurity,
  ContainerSpec,
  ContainerState,
  ContainerStatus,
  Endpoint,
  EngineOptions,
} from './runtime.ts';

export function isOurs(info: ContainerInspectInfo, owner: string): boolean {
  return info.Config.Labels[LABELS.owner] === owner;
}

export function createOptions(
  spec: ContainerSpec,
  owner: string,
  imageUser: string,
): ContainerCreateOptions & { name: string } {
  const { identity, engine } = spec;
  return {
    name: `windlass_${identity.container}_${identity.pod}_${identity.namespace}_${identity.podUID}_${identity.attempt}`,
    Image: spec.image,
    ...(spec.command.length === 0 ? {} : { Entrypoint: [...spec.command] }),
    // With a command of the Pod's the image's own arguments do not apply.
    ...(spec.args.length === 0 && spec.command.length === 0 ? {} : { Cmd: [...spec.args] }),
    ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...containerLabels(identity, owner) },
    ...userOf(spec, imageUser),
    ...(engine.stopSignal === undefined ? {} : { StopSignal: engine.stopSignal }),
    StopTimeout: spec.stopGraceSeconds,
    ...(spec.stdin === undefined ? {} : { OpenStdin: true, StdinOnce: spec.stdin.once }),
    ...(spec.tty === true ? { Tty: true } : {}),
    // The agent's probes, or the image's check: two would contradict each other.
    ...(spec.imageHealthCheck ? {} : { Healthcheck: { Test: ['NONE'] } }),
    HostConfig: {
      ...namespacesOf(spec),
      Binds: spec.mounts
        .filter(({ engineVolume }) => engineVolume === undefined)
        .map(
          ({ hostPath, containerPath, readOnly }) =>
            `${hostPath}:${containerPath}${readOnly ? ':ro' : ''}`,
        ),
      Mounts: spec.mounts.flatMap(engineMount),
      // Restarts are the agent's: two who restart would fight.
      RestartPolicy: { Name: '' },
      LogConfig: logConfig(spec.engine),
      ...engineResources(spec.resources),
      ...securityOf(spec.security),
      ...engineOf(spec.engine),
    },
  };
}

function engineMount({
  engineVolume,
  containerPath,
  readOnly,
}: ContainerSpec['mounts'][number]): MountSettings[] {
  if (engineVolume === undefined) return [];
  const { name, subPath } = engineVolume;
  return [
    {
      Type: 'volume',
      Source: name,
      Target: containerPath,
      ReadOnly: readOnly,
      ...(subPath === undefined
        ? {}
        : {
            VolumeOptions: {
              NoCopy: false,
              Labels: {},
              DriverConfig: { Name: '', Options: {} },
              Subpath: subPath,
            },
          }),
    },
  ];
}

/** Anything else than these keeps the logs elsewhere; what the Engine can still show, logs() shows. */
function logConfig({ logDriver }: EngineOptions): { Type: string; Config: Record<string, string> } {
  if (logDriver === undefined)
    return { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } };
  return { Type: logDriver.name, Config: { ...logDriver.options } };
}

function securityOf(security: ContainerSecurity): ContainerCreateOptions['HostConfig'] {
  return {
    Privileged: security.privileged,
    CapAdd: [...security.addCapabilities],
    CapDrop: [...security.dropCapabilities],
    GroupAdd: security.supplementalGroups.map(String),
    ReadonlyRootfs: security.readOnlyRoot,
    SecurityOpt: [
      ...(security.noNewPrivileges ? ['no-new-privileges'] : []),
      ...security.unconfined.map((kind) => `${kind}=unconfined`),
    ],
  };
}

function engineOf(engine: EngineOptions): ContainerCreateOptions['HostConfig'] {
  const { init, ulimits = [], devices = [], deviceRequests = [] } = engine;
  return {
    ...(init === undefined ? {} : { Init: init }),
    Ulimits: ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    Devices: devices.map(({ hostPath, containerPath, permissions }) => ({
      PathOnHost: hostPath,
      PathInContainer: containerPath,
      CgroupPermissions: permissions,
    })),
    DeviceRequests: deviceRequests.map((request) => ({
      ...(request.driver === undefined ? {} : { Driver: request.driver }),
      ...(request.count === undefined ? {} : { Count: request.count }),
      DeviceIDs: [...request.deviceIDs],
      Capabilities: request.capabilities.map((all) => [...all]),
      Options: { ...request.options },
    })),
  };
}

/** @param imageUser what the image says, for where the Pod says only the group */
function userOf({ security, engine }: ContainerSpec, imageUser: string): { User?: string } {
  const user = security.user === undefined ? undefined : String(security.user);
  const named = user ?? engine.user;
  if (security.group === undefined) return named === undefined ? {} : { User: named };
  const [own = ''] = (named ?? imageUser).split(':');
  return { User: `${own || '0'}:${security.group}` };
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
    resources: resourcesOf(info.HostConfig),
    ...healthOf(info),
  };
}

function healthOf({ State }: ContainerInspectInfo): Pick<ContainerStatus, 'health'> {
  const { Status: status, Log } = State.Health ?? {};
  if (status !== 'starting' && status !== 'healthy' && status !== 'unhealthy') return {};
  // The Engine says null for an empty list.
  const last = (Log ?? []).at(-1);
  return { health: { status, message: last?.Output.trim() ?? '' } };
}

function stateOf({ State, Created }: ContainerInspectInfo): ContainerState {
  const startedAt = Date.parse(State.StartedAt);
  if (State.Running)
    return { state: 'running', startedAt, ...(State.Paused ? { frozen: true } : {}) };
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
