// The logs of all instances of a service as one: what there is in the order of time, then what comes as it comes, of instances that
// are made meanwhile too.
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { PODS } from '#controllers/machinery/resources.ts';
import { SERVICE_LABEL } from '#controllers/service/types.ts';
import type { Clock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { CommandError } from '../usage-error.ts';
import { followLog, readLog, refusalOf } from './instance-log.ts';
import type { LogClient, LogRange, LogSource } from './instance-log.ts';
import { formatLogLine, LogPosition, mergeLogs } from './log-lines.ts';
import type { LogLine } from './log-lines.ts';

export interface ServiceLogsOptions {
  readonly client: LogClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly namespace: string;
  readonly service: string;
  /** Names of instances, whole or only what follows the service's; empty: all. */
  readonly instances: readonly string[];
  readonly range: LogRange;
  readonly timestamps: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export type LoggingPod = ApiObject & {
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
};

/** Prints what there is. @returns where each log was left, by label */
export async function printLogs(
  options: ServiceLogsOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LogPosition>> {
  const { client, namespace, service, range, out, err } = options;
  const selectors = { namespace, labelSelector: `${SERVICE_LABEL}=${service}` };
  const { items } = await client.list<LoggingPod>(PODS, selectors, signal);
  const sources = chosenPods(items, options).flatMap(sourcesOf);
  const positions = new Map<string, LogPosition>();
  const logs = await Promise.all(
    sources.map(async (source): Promise<readonly LogLine[]> => {
      try {
        return await readLog(client, source, range, signal);
      } catch (error) {
        const why = refusalOf(error);
        if (why === undefined) throw error;
        err(`${source.label}: ${why}\n`);
        return [];
      }
    }),
  );
  for (const [index, { label }] of sources.entries()) {
    const position = new LogPosition();
    for (const line of logs[index] ?? []) position.accept(line);
    positions.set(label, position);
  }
  const width = widthOf(sources);
  for (const line of mergeLogs(logs))
    out(formatLogLine(line, { width, timestamps: options.timestamps }));
  return positions;
}

/** Goes on from where printLogs() ended until the signal aborts. */
export async function followLogs(
  options: ServiceLogsOptions,
  positions: ReadonlyMap<string, LogPosition>,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, random, namespace, service, timestamps, out } = options;
  const followed = new Map<string, AbortController>();
  const running = new Set<Promise<void>>();
  let width = Math.max(0, ...[...positions.keys()].map(({ length }) => length));
  const pods = new Informer<LoggingPod>({
    client,
    clock,
    random,
    logger: silentLogger,
    resource: PODS,
    selectors: { namespace, labelSelector: `${SERVICE_LABEL}=${service}` },
  });
  pods.onChange(({ type, object }) => {
    if (!isChosen(object, options)) return;
    for (const source of sourcesOf(object)) {
      if (type === 'Deleted') followed.get(source.label)?.abort(new Error('the instance is gone'));
      if (type === 'Deleted' || followed.has(source.label)) continue;
      const gone = new AbortController();
      followed.set(source.label, gone);
      width = Math.max(width, source.label.length);
      const tell = (line: LogLine): void => out(formatLogLine(line, { width, timestamps }));
      const position = positions.get(source.label) ?? new LogPosition();
      const either = AbortSignal.any([signal, gone.signal]);
      const run = followLog({ client, clock, source, position, tell }, either);
      running.add(run);
      void run.finally(() => running.delete(run));
    }
  });
  await pods.run(signal);
  await Promise.all(running);
}

/** @throws CommandError when there is none, or one that was named is not there */
export function chosenPods<T extends ApiObject>(
  pods: readonly T[],
  {
    service,
    namespace,
    instances,
  }: Pick<ServiceLogsOptions, 'service' | 'namespace' | 'instances'>,
): readonly T[] {
  const names = pods.map(({ metadata }) => metadata.name);
  const known = names.length === 0 ? 'it has none now' : `it has ${names.join(', ')}`;
  for (const instance of instances) {
    if (names.some((name) => isCalled(name, service, instance))) continue;
    throw new CommandError(
      `service ${service} has no instance ${instance} in namespace ${namespace}: ${known}`,
    );
  }
  return pods
    .filter((pod) => isChosen(pod, { service, instances }))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function isChosen(
  { metadata: { name } }: ApiObject,
  { service, instances }: Pick<ServiceLogsOptions, 'service' | 'instances'>,
): boolean {
  return instances.length === 0 || instances.some((one) => isCalled(name, service, one));
}

function isCalled(name: string, service: string, instance: string): boolean {
  return name === instance || name === `${service}-${instance}`;
}

function sourcesOf({ metadata, spec }: LoggingPod): readonly LogSource[] {
  const { namespace = 'default', name } = metadata;
  return spec.containers.map((container) => ({
    namespace,
    pod: name,
    container: container.name,
    label: spec.containers.length === 1 ? name : `${name}/${container.name}`,
  }));
}

function widthOf(sources: readonly LogSource[]): number {
  return Math.max(0, ...sources.map(({ label }) => label.length));
}
