// The last log lines of an instance, as far as they can be had: of the container that is in trouble, and of its end before if the
// present one has not said anything yet.
import { objectPath, withQuery } from '#controllers/machinery/resource-path.ts';
import { PODS } from '#controllers/machinery/resources.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { PodView } from '../apply/rollout.ts';
import type { ProgressPod } from './instance-progress.ts';

/** The part of the client that reads logs. */
export interface LogReader {
  getText(path: string, signal: AbortSignal): Promise<string>;
}

export type InstancePod = ApiObject & ProgressPod;

/** Without empty lines; none when there is no log, or nobody to tell it. */
export async function logTail(
  reader: LogReader,
  pod: InstancePod,
  lines: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { namespace = 'default', name } = pod.metadata;
  const container = troubledContainer(pod);
  for (const previous of [undefined, 'true']) {
    const query = { container, tailLines: lines, previous };
    const path = withQuery(objectPath(PODS, namespace, name, 'log'), query);
    // What has not started, or has gone with its machine, has no log to show: the reason is told in any case.
    const text = await reader.getText(path, signal).catch(() => '');
    const found = text.split('\n').filter((line) => line.trim() !== '');
    if (found.length > 0) return found.slice(-lines);
  }
  return [];
}

interface ContainerState {
  readonly name?: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
}

/** Undefined where the server can choose by itself. */
function troubledContainer({ spec, status }: InstancePod): string | undefined {
  const containers = spec?.containers ?? [];
  if (containers.length < 2) return undefined;
  const statuses = (status?.containerStatuses ?? []) as readonly ContainerState[];
  const troubled = statuses.find(({ ready }) => ready === false)?.name;
  return troubled ?? containers[0]?.name;
}

/** Whether an instance has shown signs of failing: its log may be needed when it is gone. */
export function hasTrouble({ status }: PodView): boolean {
  return (
    status?.phase === 'Failed' ||
    (status?.containerStatuses ?? []).some(
      ({ restartCount = 0, state }) =>
        restartCount > 0 || (state?.terminated !== undefined && state.terminated.exitCode !== 0),
    )
  );
}
