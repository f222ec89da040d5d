// A folder of this machine that stands for the root of a host: files below it are real, commands and services run for real with the
// rights of whoever runs this. It is no sandbox: programs that lie in the folder may do what their user may.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, open, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { arch, hostname, networkInterfaces, release } from 'node:os';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { HostContent } from '../host-content.ts';
import type {
  CommandOptions,
  CommandResult,
  FileStat,
  HostDriver,
  HostFacts,
  PutOptions,
} from '../host-driver.ts';
import { HostCommandError, HostUnreachableError } from '../host-errors.ts';
import {
  DEFAULT_READ_BYTES,
  NOT_FOUND,
  requireCommand,
  requireOwnPath,
  requirePath,
} from '../host-rules.ts';
import { goArchitecture, parseOsRelease } from '../parse-facts.ts';
import { atomicPut } from './atomic-put.ts';
import { asHost, orAbsent } from './file-errors.ts';
import { findProgram, searchPath } from './find-program.ts';
import { LocalDirServices } from './local-dir-services.ts';
import { realPath } from './root-path.ts';
import { runProgram } from './run-program.ts';

export interface LocalDirOptions {
  /** Absolute path of a folder that is there. */
  readonly path: string;
  readonly clock: Clock;
  readonly ids: IdSource;
}

export class LocalDirHost implements HostDriver {
  readonly name: string;
  readonly services: LocalDirServices;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #ids: IdSource;

  private constructor(root: string, { path, clock, ids }: LocalDirOptions) {
    this.name = `local-dir ${path}`;
    this.#root = root;
    this.#clock = clock;
    this.#ids = ids;
    this.services = new LocalDirServices({ root, clock, ids, environment: this.#environment() });
  }

  /** @throws HostUnreachableError when the folder is not there */
  static async open(options: LocalDirOptions): Promise<LocalDirHost> {
    const { path } = options;
    if (requirePath(path) === '/')
      throw new HostCommandError(
        'localDir.path "/": this machine itself is no folder to stand for a host',
      );
    const root = await realpath(path).catch((error: unknown) => {
      throw new HostUnreachableError(`localDir.path ${path}: no such folder; make it first`, {
        cause: error,
      });
    });
    if (!(await lstat(root)).isDirectory())
      throw new HostCommandError(`localDir.path ${path}: is not a folder`);
    return new LocalDirHost(root, options);
  }

  async facts(signal: AbortSignal): Promise<HostFacts> {
    const text = async (path: string): Promise<string> =>
      Buffer.from((await this.readFile(path, signal)) ?? '').toString('utf8');
    const addresses = Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .filter(({ internal }) => !internal)
      .toSorted((left, right) => left.family.localeCompare(right.family));
    return {
      os: 'linux',
      arch: goArchitecture(arch()),
      distribution: parseOsRelease(await text('/etc/os-release')),
      hostname: (await text('/etc/hostname')).trim() || hostname(),
      kernel: release(),
      machineId: (await text('/etc/machine-id')).trim(),
      clockMillis: this.#clock.now(),
      // Whatever is done to this host is done to the folder.
      isPrivileged: true,
      addresses: addresses.map(({ address }) => address),
      hasSystemd: true,
    };
  }

  async exec(command: readonly string[], options: CommandOptions): Promise<CommandResult> {
    const argv = requireCommand(command);
    options.signal.throwIfAborted();
    const found = await asHost(argv[0], () => findProgram(this.#root, argv));
    if (found === undefined)
      return { exitCode: NOT_FOUND, stdout: '', stderr: `${argv[0]}: command not found\n` };
    return runProgram({
      ...options,
      ...found,
      workingDirectory: this.#root,
      environment: { ...this.#environment(), ...options.environment },
      clock: this.#clock,
    });
  }

  async stat(path: string, signal: AbortSignal): Promise<FileStat | undefined> {
    const found = await this.#at(path, false, signal, (real) => lstat(real));
    if (found === undefined) return undefined;
    const kind = found.isFile()
      ? 'file'
      : found.isDirectory()
        ? 'directory'
        : found.isSymbolicLink()
          ? 'link'
          : 'other';
    return {
      kind,
      size: found.size,
      mode: found.mode & 0o7777,
      modifiedMillis: Math.round(found.mtimeMs),
    };
  }

  async list(path: string, signal: AbortSignal): Promise<readonly string[] | undefined> {
    return (await this.#at(path, true, signal, (real) => readdir(real)))?.toSorted();
  }

  readFile(
    path: string,
    signal: AbortSignal,
    maxBytes = DEFAULT_READ_BYTES,
  ): Promise<Uint8Array | undefined> {
    return this.#at(path, true, signal, async (real) => {
      const file = await open(real, 'r');
      try {
        const { size } = await file.stat();
        if (size > maxBytes)
          throw new HostCommandError(`${path}: has ${size} bytes, more than ${maxBytes}`);
        return await readFile(file, { signal });
      } finally {
        await file.close();
      }
    });
  }

  digest(path: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#at(path, true, signal, async (real) => {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(real, { signal })) hash.update(chunk as Buffer);
      return hash.digest('hex');
    });
  }

  async putFile(path: string, content: HostContent, options: PutOptions): Promise<string> {
    options.signal.throwIfAborted();
    return asHost(requireOwnPath(path), async () =>
      atomicPut(await realPath(this.#root, path, false), path, content, options, {
        clock: this.#clock,
        ids: this.#ids,
      }),
    );
  }

  async rename(from: string, to: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await asHost(`${requireOwnPath(from)} to ${requireOwnPath(to)}`, async () =>
      rename(await realPath(this.#root, from, false), await realPath(this.#root, to, false)),
    );
  }

  async remove(path: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await asHost(requireOwnPath(path), async () =>
      rm(await realPath(this.#root, path, false), { recursive: true, force: true, maxRetries: 3 }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Services outlive their driver, as on any host; nothing else is open.
  }

  #environment(): Readonly<Record<string, string>> {
    const root = this.#root;
    return { PATH: searchPath(root), HOME: root, LANG: 'C.UTF-8', HOST_ROOT: root };
  }

  async #at<T>(
    path: string,
    followLast: boolean,
    signal: AbortSignal,
    work: (real: string) => Promise<T>,
  ): Promise<T | undefined> {
    signal.throwIfAborted();
    return orAbsent(path, async () => work(await realPath(this.#root, path, followLast)));
  }
}
