// What the machine controllers ask of a host, however it is reached: a folder of this machine, SSH, a simulation.

/** What a host says of itself. Read once per run; tasks only look at it. */
export interface HostFacts {
  readonly os: 'linux' | 'windows';
  /** As Go spells it: `amd64`, `arm64`, … */
  readonly arch: string;
  /** `ID` and `VERSION_ID` of os-release; empty where there is none. */
  readonly distribution: { readonly id: string; readonly version: string };
  readonly hostname: string;
  readonly kernel: string;
  /** Contents of /etc/machine-id; empty where there is none. */
  readonly machineId: string;
  /** The host's clock, milliseconds since 1970, to compare with others. */
  readonly clockMillis: number;
  /** Whether commands run as root, by themselves or through sudo. */
  readonly isPrivileged: boolean;
  /** Addresses of its interfaces but loopback, IPv4 first. */
  readonly addresses: readonly string[];
  /** Whether `services` works: systemd is process 1, or the driver runs units itself. */
  readonly hasSystemd: boolean;
}

export interface CommandOptions {
  readonly signal: AbortSignal;
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The command is killed after this many milliseconds; default 60,000. The answer is then exit code 124, and stderr says so. */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  readonly exitCode: number;
  /** Each at most 1 MiB; the end is cut, and said so in the text. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Permission bits only. */
  readonly mode: number;
  readonly modifiedMillis: number;
}

export interface PutOptions {
  readonly signal: AbortSignal;
  /** Permission bits; default 0o644. */
  readonly mode?: number;
  /** Lower-case hex. What arrived is compared on the host before the rename; default: the digest of what was sent. */
  readonly sha256?: string;
  /** Kept as the file's time; default: now. */
  readonly modifiedMillis?: number;
}

export interface ServiceState {
  readonly isInstalled: boolean;
  readonly isActive: boolean;
  /** As systemd says: `running`, `dead`, `failed`, … */
  readonly state: string;
}

/**
 * One host. Paths are absolute, as the host sees them; drivers refuse others. Every call ends soon after its signal aborts.
 *
 * Errors: `HostUnreachableError` when the host cannot be asked (worth trying again), `HostCommandError` when it was asked and said no.
 */
export interface HostDriver extends AsyncDisposable {
  /** For messages: `ssh root@10.0.0.7:22`, `local-dir /srv/hosts/a`. Never with a secret. */
  readonly name: string;
  facts(signal: AbortSignal): Promise<HostFacts>;
  /**
   * Runs a program with arguments, not a shell. An exit code that is not zero is an answer, not an error: 127 where there is no such
   * program, 128 + N where signal N ended it. Rejects with the signal's reason when that aborts, and kills the command.
   */
  exec(command: readonly string[], options: CommandOptions): Promise<CommandResult>;
  /** Undefined when nothing is there. Does not follow a link at the end. */
  stat(path: string, signal: AbortSignal): Promise<FileStat | undefined>;
  /** Names in a folder, sorted; undefined when there is none. */
  list(path: string, signal: AbortSignal): Promise<readonly string[] | undefined>;
  /** Undefined when nothing is there; a file above `maxBytes` (default 1 MiB) is an error. */
  readFile(path: string, signal: AbortSignal, maxBytes?: number): Promise<Uint8Array | undefined>;
  /** SHA-256 of a file, lower-case hex, computed on the host; undefined when nothing is there. */
  digest(path: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * All or nothing: written beside the target, synced, compared with the digest, renamed; folders above are made (0755). What was
   * there stays when anything fails, and no temporary file is left by a call that returned. Answers with the digest.
   */
  putFile(
    path: string,
    content: AsyncIterable<Uint8Array> | Uint8Array | string,
    options: PutOptions,
  ): Promise<string>;
  /** Moves within a file system, over what is there. */
  rename(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** With all below; nothing there is fine. */
  remove(path: string, signal: AbortSignal): Promise<void>;
  readonly services: HostServices;
}

/** Service control of the host: systemd where it is, a table of its own in the simulation. */
export interface HostServices {
  /** Writes the unit and, where the host has one, reloads its manager; same content: nothing. */
  install(unit: string, content: string, signal: AbortSignal): Promise<void>;
  /** Stops, disables and removes the unit; nothing there is fine. */
  uninstall(unit: string, signal: AbortSignal): Promise<void>;
  state(unit: string, signal: AbortSignal): Promise<ServiceState>;
  /** Enables and starts; running already is fine. */
  start(unit: string, signal: AbortSignal): Promise<void>;
  /** Resolves when it has ended; not running is fine. */
  stop(unit: string, signal: AbortSignal): Promise<void>;
}
