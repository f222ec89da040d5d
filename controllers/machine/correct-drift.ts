// Puts right what differs from the goal, each by its class: files are written, services started; what must be built anew is told to
// the caller, and what nobody knows is left alone.
import type { Clock } from '#platform/clock.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { NODES } from '../machinery/resources.ts';
import { isFolderHost } from '../rootfs/host-checks.ts';
import { putIfDifferent } from '../rootfs/root-files.ts';
import type { Drift } from './drift.ts';
import { startSlot } from './run-slot.ts';
import type { SlotNames } from './run-slot.ts';
import type { MachineSpec } from './types.ts';

export async function correctDrift(
  found: readonly Drift[],
  {
    host,
    slot,
    clock,
  }: { readonly host: HostDriver; readonly slot: SlotNames; readonly clock: Clock },
  signal: AbortSignal,
): Promise<{ readonly mustRebuild: boolean }> {
  for (const { file } of found)
    if (file !== undefined) await putIfDifferent(host, file.path, file.content, signal, file.mode);
  await restartUnits(found, { host, slot }, signal);
  if (found.some((drift) => drift.class === 'restart')) await startSlot(host, slot, clock, signal);
  return { mustRebuild: found.some((drift) => drift.class === 'rebuild') };
}

/** A machine that does not run, or has no systemd of its own, reads its files when it is started next. */
async function restartUnits(
  found: readonly Drift[],
  { host, slot }: { readonly host: HostDriver; readonly slot: SlotNames },
  signal: AbortSignal,
): Promise<void> {
  const units = new Set(found.flatMap(({ unit }) => unit ?? []));
  if (units.size === 0 || (await isFolderHost(host, signal))) return;
  const systemctl = ['systemctl', `--machine=${slot.machineName}`];
  await host.exec([...systemctl, 'daemon-reload'], { signal });
  await host.exec([...systemctl, 'try-restart', ...units], { signal });
}

interface LabelledNode extends ApiObject {
  readonly spec?: {
    readonly taints?: readonly {
      readonly key: string;
      readonly value?: string;
      readonly effect: string;
    }[];
  };
}

/** Labels and taints of the spec that the Node lacks; others are somebody else's. @returns what differed */
export async function correctNode(
  client: Client,
  node: LabelledNode,
  { labels = {}, taints = [] }: NonNullable<MachineSpec['node']>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const missing = Object.entries(labels).filter(
    ([name, value]) => node.metadata.labels?.[name] !== value,
  );
  const own = node.spec?.taints ?? [];
  const isThere = (taint: (typeof taints)[number]): boolean =>
    own.some(
      ({ key, value = '', effect }) =>
        key === taint.key && effect === taint.effect && value === (taint.value ?? ''),
    );
  const lacking = taints.filter((taint) => !isThere(taint));
  if (missing.length === 0 && lacking.length === 0) return [];
  const kept = own.filter(
    ({ key, effect }) => !lacking.some((taint) => taint.key === key && taint.effect === effect),
  );
  const patch = {
    metadata: { labels: Object.fromEntries(missing) },
    ...(lacking.length === 0 ? {} : { spec: { taints: [...kept, ...lacking] } }),
  };
  await client.patch(NODES, '', node.metadata.name, '', 'merge', patch, signal);
  return [
    ...missing.map(([name]) => `label ${name} of the node`),
    ...lacking.map(({ key }) => `taint ${key} of the node`),
  ];
}
