// What a user asks of a service in short words, however they were written: the flags of `windlass run`, a Compose file, uncloud's own
// specs. Field names are uncloud's; docs/uncloud.md says what becomes of each in our Service kind.
import type { PortProtocol } from '../run/port-text.ts';

export interface NeutralDriver {
  readonly name: string;
  readonly options?: Readonly<Record<string, string>>;
}

export interface NeutralHealthcheck {
  /** `['CMD', …]`, `['CMD-SHELL', line]` or `['NONE']`. */
  readonly test?: readonly string[];
  /** Durations as `30s`. */
  readonly interval?: string;
  readonly timeout?: string;
  readonly startPeriod?: string;
  readonly startInterval?: string;
  readonly retries?: number;
  readonly disable?: boolean;
}

export interface NeutralResources {
  /** Billionths of a core. */
  readonly cpu?: number;
  /** Bytes, as the two below. */
  readonly memory?: number;
  readonly memoryReservation?: number;
  readonly sharedMemory?: number;
  readonly devices?: readonly {
    readonly hostPath: string;
    readonly containerPath?: string;
    readonly permissions?: string;
  }[];
  readonly deviceReservations?: readonly {
    readonly driver?: string;
    readonly count?: number;
    readonly deviceIDs?: readonly string[];
    readonly capabilities?: readonly (readonly string[])[];
    readonly options?: Readonly<Record<string, string>>;
  }[];
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
}

export interface NeutralVolumeMount {
  readonly volume: string;
  readonly path: string;
  readonly readOnly?: boolean;
}

export interface NeutralConfigMount {
  readonly config: string;
  /** Default: `/` and the name of the config. */
  readonly path?: string;
  readonly uid?: string;
  readonly gid?: string;
  /** Permissions: a number, or octal text as `0644`. */
  readonly mode?: string | number;
}

export interface NeutralContainer {
  readonly image: string;
  readonly command?: readonly string[];
  /** `['']` takes the image's away. */
  readonly entrypoint?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `user`, `user:group`, by name or number. */
  readonly user?: string;
  readonly init?: boolean;
  readonly privileged?: boolean;
  readonly pidMode?: string;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly pullPolicy?: string;
  readonly logDriver?: NeutralDriver;
  readonly healthcheck?: NeutralHealthcheck;
  readonly stopGracePeriod?: string;
  readonly resources?: NeutralResources;
  readonly volumeMounts?: readonly NeutralVolumeMount[];
  readonly configMounts?: readonly NeutralConfigMount[];
}

export interface NeutralVolume {
  readonly name: string;
  readonly type: 'volume' | 'bind' | 'tmpfs';
  /** The name that it really has; default: `name`. */
  readonly volumeName?: string;
  readonly external?: boolean;
  /** Absent: any volume of that name will do. */
  readonly driver?: string;
  readonly driverOpts?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly noCopy?: boolean;
  readonly subPath?: string;
  readonly hostPath?: string;
  readonly createHostPath?: boolean;
  readonly propagation?: string;
  readonly recursive?: string;
  /** Of a tmpfs: bytes. */
  readonly sizeBytes?: number;
  readonly mode?: number;
}

export interface NeutralHook {
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly privileged?: boolean;
  readonly timeout?: string;
  readonly user?: string;
}

export interface NeutralSpec {
  readonly name?: string;
  readonly mode?: string;
  readonly replicas?: number;
  readonly container: NeutralContainer;
  readonly placement?: { readonly machines?: readonly string[] };
  /** Texts of port-text.ts. */
  readonly ports?: readonly string[];
  /** A Caddyfile. */
  readonly caddy?: string;
  readonly volumes?: readonly NeutralVolume[];
  readonly configs?: readonly { readonly name: string; readonly content: string }[];
  readonly updateConfig?: { readonly order?: string; readonly monitorPeriod?: string };
  readonly preDeploy?: NeutralHook;
}

/** Of ingress ports, what plain TCP and UDP lack. */
export function isHttp(protocol: PortProtocol): boolean {
  return protocol === 'http' || protocol === 'https';
}
