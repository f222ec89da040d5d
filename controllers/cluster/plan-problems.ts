// What makes a plan impossible: checked before anything is changed. Pure.
import { compareVersions, isVersion, minorsBetween } from './versions.ts';
import { sharesState } from './shared-state.ts';
import { isController } from './wanted-machines.ts';
import type { PlanInput, Problem } from './plan-types.ts';

/** From the median of all. */
export const MAXIMUM_CLOCK_SKEW_MS = 30_000;

export function planProblems(input: PlanInput): readonly Problem[] {
  return [
    ...duplicateMachines(input),
    ...foreignMachines(input),
    ...roleChanges(input),
    ...versionProblems(input),
    ...separateServers(input),
    ...resetProblems(input),
    ...duplicateHosts(input),
    ...clockSkew(input),
  ];
}

function duplicateMachines({ wanted }: PlanInput): readonly Problem[] {
  const names = repeated(wanted.map(({ name }) => [name, name]));
  return [...names.keys()].map((name) => ({
    reason: 'DuplicateMachine',
    message: `two entries of spec.pools describe machine ${name}: give pools and hosts other names`,
  }));
}

function foreignMachines({ foreign }: PlanInput): readonly Problem[] {
  return foreign.map((name) => ({
    reason: 'NotOwned',
    message: `Machine ${name} exists and is not this cluster's: it is left alone; rename the pool, or remove that Machine`,
  }));
}

function roleChanges({ wanted, observed, notes }: PlanInput): readonly Problem[] {
  return wanted.flatMap(({ name, role }) => {
    const now = observed.find((machine) => machine.name === name)?.role ?? role;
    const running = notes.get(name)?.runningRole ?? now;
    const other = [now, running].find((found) => found !== role);
    if (other === undefined) return [];
    const message = `${name}: role change is not supported: it is ${other}, and spec.pools says ${role}`;
    return [{ reason: 'RoleChange', message }];
  });
}

function versionProblems({ settings, rules, observed }: PlanInput): readonly Problem[] {
  const { version } = settings;
  if (version === undefined) return [];
  if (rules.needsVersions && !isVersion(version))
    return [
      {
        reason: 'InvalidVersion',
        message: `spec.version must be a version such as v1.31.2, found ${JSON.stringify(version)}`,
      },
    ];
  return observed.flatMap(({ name, isDeleting, role, ...machine }): readonly Problem[] => {
    const current = machine.runningVersion ?? machine.version;
    if (current === undefined || isDeleting || settings.reset.machines.includes(name)) return [];
    if (compareVersions(current, version) > 0 && isVersion(version) && isVersion(current))
      return [
        {
          reason: 'Downgrade',
          message: `${name}: can't perform a downgrade: ${current} > ${version}`,
        },
      ];
    const step = minorsBetween(current, version);
    if (isController(role) && step > rules.maximumMinorStep)
      return [
        {
          reason: 'VersionSkew',
          message: `${name} runs ${current}: controllers go up by at most ${rules.maximumMinorStep} minor version at a time, and ${version} is ${step === Infinity ? 'another major one' : `${step} away`}`,
        },
      ];
    return [];
  });
}

/** What is no quorum is several servers, each with what it was told, unless they keep it in one place. */
function separateServers({ settings, rules, wanted }: PlanInput): readonly Problem[] {
  const controllers = wanted.filter(({ role }) => isController(role)).length;
  if (rules.hasQuorum || controllers < 2 || sharesState(settings.flags)) return [];
  const message =
    `spec.pools has ${controllers} controllers, and controllers of distribution Windlass have no quorum: each would be a server with a ` +
    'state of its own. Have one; or name one place for the state of all in spec.distributionOptions.flags (--persistence nfs:PATH or ' +
    's3://…, and one --secrets-key): then one serves and the others stand by';
  return [{ reason: 'SeparateServers', message }];
}

function resetProblems({ settings, observed, wanted, notes }: PlanInput): readonly Problem[] {
  const { machines, force } = settings.reset;
  if (force || machines.length === 0) return [];
  const roles = machines.flatMap((name): readonly Problem[] => {
    const machine = observed.find((one) => one.name === name);
    const running = notes.get(name)?.runningRole;
    if (machine?.role === undefined || running === undefined || running === machine.role) return [];
    const message = `${name}: is to be reset as ${machine.role}, and ${running} runs there; set spec.reset.force (--force) to reset it all the same`;
    return [{ reason: 'RoleChange', message }];
  });
  const controllers = observed.filter(({ isController }) => isController);
  const isLast =
    controllers.length > 0 &&
    controllers.every(({ name }) => machines.includes(name)) &&
    !wanted.some(({ role }) => isController(role));
  return isLast
    ? [
        ...roles,
        {
          reason: 'NoController',
          message:
            'spec.reset names all controllers: nothing would be left; delete the cluster, or set spec.reset.force (--force)',
        },
      ]
    : roles;
}

function duplicateHosts({ wanted, notes }: PlanInput): readonly Problem[] {
  const named = wanted.flatMap(({ name }): readonly (readonly [string, string])[] => {
    const hostname = notes.get(name)?.hostname;
    return hostname === undefined || hostname === '' ? [] : [[hostname.toLowerCase(), name]];
  });
  return [...repeated(named)].map(([hostname, machines]) => ({
    reason: 'DuplicateHostName',
    message: `${machines.join(' and ')} have the same host name ${hostname} (case does not count): rename all but one`,
  }));
}

function clockSkew({ wanted, notes }: PlanInput): readonly Problem[] {
  const offsets = wanted.flatMap(({ name }) => {
    const offset = notes.get(name)?.clockOffsetMs;
    return offset === undefined ? [] : [{ name, offset }];
  });
  const middle = median(offsets.map(({ offset }) => offset));
  const wrong = offsets.filter(({ offset }) => Math.abs(offset - middle) > MAXIMUM_CLOCK_SKEW_MS);
  if (wrong.length === 0) return [];
  const each = wrong.map(({ name, offset }) => `${name} ${Math.round((offset - middle) / 1000)} s`);
  const message = `clock skew exceeds the maximum of 30 s from the median on ${wrong.length} hosts: ${each.join(', ')}`;
  return [{ reason: 'ClockSkew', message }];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Keys that come more than once → their values. */
function repeated(
  entries: readonly (readonly [string, string])[],
): ReadonlyMap<string, readonly string[]> {
  const all = Map.groupBy(entries, ([key]) => key);
  return new Map(
    [...all].flatMap(([key, values]) =>
      values.length > 1 ? [[key, values.map(([, value]) => value)] as const] : [],
    ),
  );
}
