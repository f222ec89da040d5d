// What applying a Machine would do to it, and why. Pure.
import { specHash } from '#controllers/machine/machine-goal.ts';
import type { Machine, MachineSpec } from '#controllers/machine/types.ts';

export interface MachinePlan {
  readonly action: 'install' | 'upgrade' | 'update' | 'nothing';
  readonly lines: readonly string[];
}

const FIELDS: readonly (keyof MachineSpec)[] = [
  'providerRef',
  'connection',
  'role',
  'version',
  'artifacts',
  'files',
  'rootfs',
  'node',
  'preflight',
  'drain',
  'verifyTimeout',
  'paused',
  'deletionPolicy',
  'clusterRef',
  'powerState',
];

/** @param before as it is on the server. @param after as it would be there */
export function planOf(before: Machine | undefined, after: Machine): MachinePlan {
  const { name } = after.metadata;
  const { version, rootfs, node, artifacts = [], files = [] } = after.spec;
  const target = version === undefined ? '' : ` ${version}`;
  if (before === undefined) {
    const image =
      rootfs === undefined ? [] : [`  root from ${rootfs.image ?? 'the default image'}`];
    return {
      action: 'install',
      lines: [
        `+ machine/${name}  install${target} in slot a`,
        ...image,
        ...artifacts.map((artifact) => `  artifact ${artifact.name}${at(artifact.path)}`),
        ...files.map(({ path }) => `  file ${path}`),
      ],
    };
  }
  const changed = FIELDS.filter(
    (field) => JSON.stringify(before.spec[field]) !== JSON.stringify(after.spec[field]),
  );
  if (changed.length === 0)
    return { action: 'nothing', lines: [`  machine/${name}  nothing to do`] };
  const reasons = changed.map(
    (field) => `  spec.${field}: ${shown(before.spec[field])} → ${shown(after.spec[field])}`,
  );
  if (specHash(before.spec) === specHash(after.spec))
    return { action: 'update', lines: [`~ machine/${name}  in place`, ...reasons] };
  const slot = before.status?.activeSlot === 'a' ? 'b' : 'a';
  const from = before.status?.runningVersion;
  const way = from === undefined ? target : ` ${from} →${target}`;
  return {
    action: 'upgrade',
    lines: [
      `~ machine/${name}  upgrade${way} in slot ${slot}`,
      ...reasons,
      ...(node === undefined ? [] : [`  its node is drained before the switch`]),
      ...(before.status?.lastGood === undefined ? [] : ['  a failure goes back to what runs now']),
    ],
  };
}

function at(path: string | undefined): string {
  return path === undefined || path === '' ? '' : ` at ${path}`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'absent');
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
