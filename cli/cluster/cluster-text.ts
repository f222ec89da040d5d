// Clusters as people read them: a table, a plan, a tree of machines with what is being done to each. Pure.
import type { Cluster, Machine, PlanItem } from '#controllers/cluster/types.ts';
import { alignRows } from '../output.ts';

export function clusterRows(
  clusters: readonly Cluster[],
  withNamespace: boolean,
): readonly (readonly string[])[] {
  const head = ['NAME', 'DISTRIBUTION', 'VERSION', 'PHASE', 'READY', 'ENDPOINT'];
  return [
    withNamespace ? ['NAMESPACE', ...head] : head,
    ...clusters.map(({ metadata, spec, status = {} }) => [
      ...(withNamespace ? [metadata.namespace ?? ''] : []),
      metadata.name,
      spec.distribution ?? 'Windlass',
      status.version ?? spec.version ?? '-',
      status.phase ?? 'Pending',
      `${status.nodesReady ?? 0}/${status.nodesTotal ?? 0}`,
      status.endpoint ?? '-',
    ]),
  ];
}

const SIGNS: Readonly<Record<PlanItem['action'], string>> = {
  create: '+',
  delete: '-',
  recreate: '±',
  update: '~',
  configure: '~',
  repair: '!',
  start: '▶',
  stop: '■',
};

export function planText(items: readonly PlanItem[], hash: string): string {
  if (items.length === 0) return 'Nothing to do.\n';
  const rows = items.map(({ action, machine, reason, disruption }, index) => [
    `${index + 1}.`,
    `${SIGNS[action]} ${action}`,
    machine,
    disruption === 'none' ? '' : `(${disruption})`,
    reason,
  ]);
  return `${alignRows(rows, '  ')}\n${items.length} changes, plan ${hash}\n`;
}

/** One line per machine, keyed by its name; the first is the cluster's own. */
export function treeLines(
  cluster: Cluster,
  machines: readonly Machine[],
): readonly (readonly [key: string, text: string])[] {
  const { metadata, spec, status = {} } = cluster;
  const { nodesReady = 0, nodesTotal = 0, phase = 'Pending', rollout } = status;
  const progress =
    rollout === undefined ? '' : `, ${rollout.updated} of ${rollout.total} up to date`;
  const waits = new Map(
    (status.plan ?? []).map(({ machine, action, reason }) => [machine, `${action}: ${reason}`]),
  );
  const failed = new Map(
    (rollout?.failed ?? []).map(({ machine, reason, message }) => [
      machine,
      `${reason}: ${message}`,
    ]),
  );
  const last = machines.length - 1;
  return [
    [
      '',
      `${metadata.name}  ${spec.distribution ?? 'Windlass'} ${status.version ?? ''}  ${phase}, ${nodesReady} of ${nodesTotal} ready${progress}`,
    ],
    ...machines.map((machine, index): readonly [string, string] => {
      const { name } = machine.metadata;
      const branch = index === last ? '└─' : '├─';
      const version = machine.status?.runningVersion ?? '';
      const state = [
        machine.metadata.deletionTimestamp === undefined
          ? (machine.status?.phase ?? 'Pending')
          : 'Deleting',
        version,
        stepOf(machine) ??
          removalOf(machine) ??
          failed.get(name) ??
          lackOf(machine) ??
          waits.get(name) ??
          '',
      ].filter(Boolean);
      return [name, `${branch} ${name}  ${machine.spec.role ?? ''}  ${state.join('  ')}`];
    }),
  ];
}

/** The step that is under way. */
function stepOf({ status }: Machine): string | undefined {
  const running = status?.steps?.find(({ state }) => state === 'Running');
  return running === undefined ? undefined : `${running.name} …`;
}

/** What has to be there before anything is done. */
function lackOf({ status }: Machine): string | undefined {
  return status?.conditions?.find(
    ({ type, status: is, reason }) =>
      is === 'False' && (type === 'Reachable' || (type === 'UpToDate' && reason === 'Waiting')),
  )?.message;
}

/** Why it does not go. */
function removalOf({ metadata, status }: Machine): string | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  const failed = status?.conditions?.find(({ reason }) => reason === 'RemovalFailed');
  return failed && `${failed.reason}: ${failed.message}`;
}

/** Where a cluster is on its way to what is asked; undefined while it goes on. */
export function endOf(
  cluster: Cluster,
  wanted: 'Ready' | 'Stopped',
): { readonly done: boolean; readonly message: string } | undefined {
  const { metadata, status = {} } = cluster;
  if (status.observedGeneration !== metadata.generation) return undefined;
  const condition = (type: string) => status.conditions?.find((one) => one.type === type);
  if (wanted === 'Stopped')
    return status.phase === 'stopped' && (status.plan ?? []).length === 0
      ? { done: true, message: 'all machines are stopped' }
      : undefined;
  const ready = condition('Ready');
  if (ready?.status === 'True') return { done: true, message: ready.message };
  for (const [type, is] of [
    ['PlanReady', 'False'],
    ['RolloutHalted', 'True'],
  ] as const) {
    const found = condition(type);
    if (found?.status === is) return { done: false, message: `${found.reason}: ${found.message}` };
  }
  if (condition('PlanReady')?.reason === 'AwaitingApproval')
    return { done: false, message: `AwaitingApproval: ${condition('PlanReady')?.message ?? ''}` };
  const progressing = condition('Progressing');
  const isHeld = ['Paused', 'PausedAfter'].includes(progressing?.reason ?? '');
  return progressing?.status === 'False' && isHeld
    ? { done: false, message: `${progressing.reason}: ${progressing.message}` }
    : undefined;
}
