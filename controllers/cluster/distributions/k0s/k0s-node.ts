// The Node of a k0s host, asked for with the kubectl that k0s has in it.
import type { HostDriver } from '../../../hosts/host-driver.ts';
import { HostCommandError } from '../../../hosts/host-errors.ts';
import { CORDONED_BY_ANNOTATION } from '../../../machinery/cordon.ts';
import { drainTimeout } from '../../../machinery/drain-settings.ts';
import type { DrainSettings } from '../../../machinery/drain-settings.ts';
import { parseDuration } from '../../../machinery/duration.ts';
import { K0S_BINARY } from './commands.ts';

export class K0sNode {
  readonly #host: HostDriver;
  readonly #name: string;
  readonly #isThere: boolean;

  /** @param host a controller. @param isThere false where the role has no node */
  constructor(host: HostDriver, name: string, isThere: boolean) {
    this.#host = host;
    this.#name = name;
    this.#isThere = isThere;
  }

  /** Undefined when it is empty; else why not. */
  async drain(
    settings: DrainSettings,
    isForced: boolean,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const timeout = drainTimeout(settings);
    const graceMs = parseDuration(settings.gracePeriod ?? '');
    const { exitCode, stderr } = await this.#ask(
      [
        'drain',
        this.#name,
        '--ignore-daemonsets',
        '--delete-emptydir-data',
        '--force',
        `--grace-period=${graceMs === undefined ? -1 : Math.round(graceMs / 1000)}`,
        `--timeout=${Math.round(timeout.ms / 1000)}s`,
        ...(isForced ? ['--disable-eviction'] : []),
        ...(settings.podSelector === undefined ? [] : [`--pod-selector=${settings.podSelector}`]),
      ],
      signal,
      timeout.ms + 30_000,
    );
    return exitCode === 0
      ? undefined
      : `node ${this.#name} is not empty after ${timeout.text}: ${stderr.trim()}`;
  }

  /** Undefined where there is none. */
  async find(
    signal: AbortSignal,
  ): Promise<
    | { readonly isReady: boolean; readonly isUnschedulable: boolean; readonly cordonedBy?: string }
    | undefined
  > {
    if (!this.#isThere) return undefined;
    const text = await this.answer(['get', 'node', this.#name, '-o', 'json'], signal);
    if (text === undefined) return undefined;
    const { metadata, spec, status } = JSON.parse(text) as {
      readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
      readonly spec?: { readonly unschedulable?: boolean };
      readonly status?: {
        readonly conditions?: readonly { readonly type: string; readonly status: string }[];
      };
    };
    const cordonedBy = metadata?.annotations?.[CORDONED_BY_ANNOTATION];
    return {
      isReady:
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ===
        true,
      isUnschedulable: spec?.unschedulable === true,
      ...(cordonedBy === undefined ? {} : { cordonedBy }),
    };
  }

  /** @throws HostCommandError */
  async run(args: readonly string[], signal: AbortSignal): Promise<void> {
    const { exitCode, stderr } = await this.#ask(args, signal);
    if (exitCode !== 0)
      throw new HostCommandError(
        `kubectl ${args[0] ?? ''} ended with ${exitCode}: ${stderr.trim()}`,
      );
  }

  /** Undefined when it said no. */
  async answer(args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const { exitCode, stdout } = await this.#ask(args, signal);
    return exitCode === 0 ? stdout : undefined;
  }

  #ask(
    args: readonly string[],
    signal: AbortSignal,
    timeoutMs = 60_000,
  ): ReturnType<HostDriver['exec']> {
    return this.#host.exec([K0S_BINARY, 'kubectl', ...args], { signal, timeoutMs });
  }
}
