// What the node agent needs from whatever runs containers. Implementations: process.ts (supervised OS processes) and docker.ts.
// A runtime knows nothing of the API server; the agent translates Pods into ContainerSpecs and states back into Pod status.
import type { Readable } from 'node:stream';
import type { ContainerSessions } from './container-sessions.ts';
import type { ImageKeeper } from './image-keeper.ts';
import type { ImageStore } from './image-store.ts';

/** Identity that survives a restart of the agent: the runtime stores it with the container. */
export interface ContainerIdentity {
  readonly namespace: string;
  readonly pod: string;
  readonly podUID: string;
  readonly container: string;
  /** 0 for the first start, +1 with each restart. */
  readonly attempt: number;
}

export interface Mount {
  /** Path inside the container; for the process runtime below the pod's own folder. */
  readonly containerPath: string;
  readonly readOnly: boolean;
  /** A directory or file of the host that the agent has prepared (configs, secrets, emptyDir, hostPath, named volumes). */
  readonly hostPath: string;
  /** Instead: a volume that the engine keeps, or a folder of it. */
  readonly engineVolume?: { readonly name: string; readonly subPath?: string };
}

/** A volume that the engine keeps, with a driver of its own. */
export interface EngineVolume {
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol: 'TCP' | 'UDP';
}

/** What the containers of one Pod share. */
export interface PodSandboxSpec {
  readonly namespace: string;
  readonly pod: string;
  readonly podUID: string;
  readonly hostname: string;
  /** The network of the machine instead of one of the Pod's own. */
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  readonly shareProcessNamespace: boolean;
  /** Of all containers of the Pod. */
  readonly ports: readonly ContainerPort[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** Name and address each, for /etc/hosts. */
  readonly hostAliases: readonly (readonly [string, string])[];
  /** Instead of the machine's own resolver, or beside it. */
  readonly dns: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  /** Size of the /dev/shm that they share. */
  readonly sharedMemoryBytes?: number;
}

/** A Pod that containers can be run in. */
export interface PodSandbox {
  readonly spec: PodSandboxSpec;
  /** Runtime's own id, where something must be kept for it. */
  readonly id?: string;
  /** Addresses of its own; none where it has those of the machine. */
  readonly ips: readonly string[];
}

/** What is absent is not limited, or not asked for. */
export interface ContainerResources {
  readonly cpuLimitMillis?: number;
  readonly cpuRequestMillis?: number;
  readonly memoryLimitBytes?: number;
  readonly memoryRequestBytes?: number;
}

export interface ContainerSecurity {
  readonly privileged: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  /** Instead of those of the image. */
  readonly user?: number;
  readonly group?: number;
  readonly supplementalGroups: readonly number[];
  /** It must not run as root. */
  readonly nonRoot: boolean;
  readonly readOnlyRoot: boolean;
  readonly noNewPrivileges: boolean;
  readonly unconfined: readonly ('seccomp' | 'apparmor')[];
}

export interface DeviceRequest {
  readonly driver?: string;
  readonly count?: number;
  readonly deviceIDs: readonly string[];
  /** Alternatives, each a list of what the device must be able to do. */
  readonly capabilities: readonly (readonly string[])[];
  readonly options: Readonly<Record<string, string>>;
}

/** What Kubernetes has no word for. */
export interface EngineOptions {
  readonly logDriver?: {
    readonly name: string;
    readonly options: Readonly<Record<string, string>>;
  };
  readonly init?: boolean;
  readonly ulimits?: readonly {
    readonly name: string;
    readonly soft: number;
    readonly hard: number;
  }[];
  readonly devices?: readonly {
    readonly hostPath: string;
    readonly containerPath: string;
    readonly permissions: string;
  }[];
  readonly deviceRequests?: readonly DeviceRequest[];
  /** Of the Pod. */
  readonly sharedMemoryBytes?: number;
  readonly stopSignal?: string;
  /** `user` or `user:group`, by the names of the image. */
  readonly user?: string;
}

/** For one registry. */
export interface RegistryCredentials {
  /** The address that the login is for, as Docker writes it. */
  readonly server: string;
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

export interface PullProgress {
  readonly layers: number;
  readonly layersDone: number;
  /** Of the layers whose size is known by now. */
  readonly bytes: number;
  readonly bytesDone: number;
}

export interface ImageRequest {
  readonly image: string;
  readonly pullPolicy: ContainerSpec['imagePullPolicy'];
  /** To try in this order; asked for only when it is pulled. */
  readonly logins: () => Promise<readonly RegistryCredentials[]>;
  /** It is not there, or may be old: the registry is asked. */
  readonly pulling: () => void;
  /** Called often. */
  readonly progress: (progress: PullProgress) => void;
}

export interface PreparedImage {
  readonly imageID: string;
  readonly sizeBytes: number;
  /** How long the registry took; undefined when it was not asked. */
  readonly pulledMs: number | undefined;
  /** It was not there before. */
  readonly isNew: boolean;
}

export interface ContainerSpec {
  readonly sandbox: PodSandbox;
  readonly identity: ContainerIdentity;
  readonly image: string;
  /** Entrypoint and arguments, `$(VAR)` already expanded; an empty command means the image's (the process runtime requires one). */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir?: string;
  /** The whole environment that the Pod asks for, `PORT` (see Runtime.choosePort) included. */
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly ContainerPort[];
  readonly mounts: readonly Mount[];
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Folder of the pod on this machine: working directory of processes, home of its volumes. */
  readonly podDirectory: string;
  /** Where standard output and error go, for runtimes that write files. */
  readonly logFile: string;
  readonly resources: ContainerResources;
  readonly security: ContainerSecurity;
  readonly engine: EngineOptions;
  /** The image's own health check counts; otherwise it is not run. */
  readonly imageHealthCheck: boolean;
  /** Kept open for those who attach, until the first of them has left where it is for `once`. Runtimes without it leave it closed. */
  readonly stdin?: { readonly once: boolean };
  /** The container's own terminal, for those who attach; its outputs are one then. */
  readonly tty?: boolean;
  /** What a container is given to end when not the agent stops it. */
  readonly stopGraceSeconds: number;
}

export interface RunningState {
  readonly state: 'running';
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** Somebody stopped it in its tracks (`docker pause`, SIGSTOP): it is there and does nothing. */
  readonly frozen?: boolean;
}

export interface ExitedState {
  readonly state: 'exited';
  readonly startedAt: number;
  readonly finishedAt: number;
  /** undefined when it cannot be known (adopted after a crash of ours, then gone): reported as unknown, never 0. */
  readonly exitCode: number | undefined;
  readonly signal?: string;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown` … */
  readonly reason: string;
  readonly message?: string;
}

export type ContainerState = RunningState | ExitedState;

/** Between containers and their machine. */
export interface Gateway {
  /** Of the machine, where containers reach it. */
  readonly address: string;
  /** Of the containers, `172.17.0.0/16`. */
  readonly subnet: string;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface ContainerStatus {
  readonly identity: ContainerIdentity;
  /** Runtime's own id: `process://<32 hex>`, `docker://<id>`. */
  readonly id: string;
  readonly image: string;
  readonly imageID: string;
  readonly state: ContainerState;
  /** Where a port of the container is reached from this machine: containerPort → address. */
  readonly endpoints: ReadonlyMap<number, Endpoint>;
  /** Addresses of the Pod; none where it has those of the machine. */
  readonly podIPs: readonly string[];
  /** What it has been given; undefined where the runtime gives and limits nothing. */
  readonly resources?: ContainerResources;
  /** What the health check of its image says; undefined where it has none, or it does not count. */
  readonly health?: {
    readonly status: 'starting' | 'healthy' | 'unhealthy';
    /** What the last check said. */
    readonly message: string;
  };
}

/** What a running container has used since it started. */
export interface ContainerUsage {
  /** As in ContainerStatus. */
  readonly id: string;
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly tailLines?: number;
  /** Milliseconds since the Unix epoch. */
  readonly sinceTime?: number;
  readonly timestamps: boolean;
  readonly limitBytes?: number;
}

export interface ExecResult {
  /** 128 + signal number when a signal ended it; meaningless when `timedOut`. */
  readonly exitCode: number;
  /** Standard output and error, cut after 16 KiB. */
  readonly output: string;
  readonly timedOut: boolean;
}

/** Why a container could not be started; `reason` is what kubectl shows (`ErrImagePull`, `CreateContainerError`, `RunContainerError` …). */
export class StartError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StartError';
    this.reason = reason;
  }
}

export interface Runtime extends AsyncDisposable {
  /** `process` or `docker`. */
  readonly name: string;
  /** Version text for Node status, e.g. `docker://28.2.2`. */
  readonly version: string;
  /** Absent where there are no images, only programs. */
  readonly images?: ImageStore;
  readonly imageKeeper?: ImageKeeper;
  /** Checks that it works here; throws an Error that says what is missing and what to do. */
  start(signal: AbortSignal): Promise<void>;
  /** All containers of this control plane on this machine, also those of an earlier run of the agent. */
  list(): Promise<readonly ContainerStatus[]>;
  /**
   * The port that a container shall listen on, given to it as `PORT`: its first declared port in Docker, a free one of this
   * machine for processes. undefined: none is declared and none is needed.
   */
  choosePort(ports: readonly ContainerPort[]): Promise<number | undefined>;
  /**
   * This machine as its containers see it; undefined when they see none. A runtime whose containers share the machine's
   * network has no such method.
   */
  gateway?(): Promise<Gateway | undefined>;
  /** UIDs of all Pods that something is kept for, containers or not. */
  pods(): Promise<readonly string[]>;
  /** Makes what the containers of a Pod share, or finds it again. @throws StartError */
  preparePod(spec: PodSandboxSpec, signal: AbortSignal): Promise<PodSandbox>;
  /** Gives back what preparePod made; for a Pod whose containers are removed. */
  removePod(podUID: string): Promise<void>;
  /** Sees to it that an image is on this machine, after its pull policy. Absent: this runtime has no images. @throws StartError */
  readonly prepareImage?: (request: ImageRequest, signal: AbortSignal) => Promise<PreparedImage>;
  /** Makes a volume, or finds it as it is asked for. Absent: this runtime keeps none. @throws Error when it is there and different */
  readonly ensureVolume?: (volume: EngineVolume) => Promise<void>;
  /** Creates and starts, from an image that is there. @throws StartError */
  run(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus>;
  /** What of it this runtime cannot do and leaves out, by the names of the fields. */
  ignores(spec: ContainerSpec): readonly string[];
  /** Gives a running container other resources. Absent: this runtime cannot. @throws Error with the reason */
  readonly update?: (id: string, resources: ContainerResources) => Promise<void>;
  /** What running containers use; of those that are left out it is not known. Absent: this runtime cannot tell. */
  readonly usage?: () => Promise<readonly ContainerUsage[]>;
  /** Asks it to stop, waits up to `graceSeconds`, then kills. Resolves when it is gone from the process table (its record and logs stay). */
  stop(id: string, graceSeconds: number): Promise<void>;
  /** Lets a frozen container go on; nothing happens to one that is not. */
  thaw(id: string): Promise<void>;
  /** Forgets a stopped container and its resources; nothing happens when it is already gone. */
  remove(id: string): Promise<void>;
  /** Text of the log; with `follow` until the container ends or the signal aborts. */
  logs(id: string, options: LogOptions, signal: AbortSignal): Promise<Readable>;
  /** Runs a command beside the container, in its environment and folder; for exec probes and hooks. At the timeout it is killed. */
  exec(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>;
  /** Interactive commands, attachment and ports, for people. */
  readonly sessions: ContainerSessions;
  /** Called whenever a container may have changed state; the agent then asks list(). */
  onChange(listener: () => void): () => void;
}
