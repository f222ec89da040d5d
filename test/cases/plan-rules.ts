// Design rules about whole plans.
import type { NeutralSpec } from '#cli/spec/neutral-spec.ts';
import { effectOn } from './change-rules.ts';
import type { Demand, DesignRule } from './design-rule.ts';
import type { CaseContainer, Expected, ServiceCase } from './service-case.ts';
import { differingFields } from './spec-difference.ts';
import { specOrNone } from './text-rules.ts';

export const PLAN_RULES: readonly DesignRule[] = [
  {
    name: 'an unchanged spec touches nothing',
    basis: '#unchanged',
    kinds: ['plan'],
    instead(one) {
      const spec = specOrNone(one);
      if (spec === undefined || spec.mode === 'global' || isForced(one)) return undefined;
      const own = instancesOf(one);
      const machines = one.initial.machines
        .filter(({ state }) => state !== 'down')
        .map(({ id }) => id);
      const isSettled =
        own.length === Math.max(1, spec.replicas ?? 1) &&
        own.every(
          ({ state, spec: was, machine }) =>
            state === 'running' &&
            differingFields(was, spec).size === 0 &&
            machines.includes(machine),
        );
      return isSettled ? { expected: [] } : undefined;
    },
  },
  {
    name: 'a paused instance is the business of its node',
    basis: '#paused',
    kinds: ['plan'],
    instead(one, { expected }) {
      const spec = specOrNone(one);
      const own = instancesOf(one);
      if (spec === undefined || isForced(one)) return undefined;
      const isKept = ({ op, container: id }: Expected): boolean => {
        const container = own.find((each) => each.id === id);
        return (
          op === 'replace' &&
          container?.state === 'paused' &&
          effectOn(container, spec) === 'nothing'
        );
      };
      return { expected: expected.filter((operation) => !isKept(operation)) };
    },
  },
  {
    name: 'a failed instance is never taken for the one that serves',
    basis: 2,
    kinds: ['plan'],
    instead(one, { expected }) {
      const own = instancesOf(one);
      const failed = replaced(expected).find((id) => isEnded(own, id));
      const old = expected.find(
        ({ op, container }) => op === 'remove' && stateOf(own, container) === 'running',
      );
      if (failed === undefined || old === undefined) return undefined;
      const { container } = old;
      const swap = (operation: Expected): Expected => {
        if (operation['container'] === failed && operation.op === 'replace')
          return { ...operation, container };
        return operation === old ? { ...operation, container: failed } : operation;
      };
      return { expected: expected.map(swap) };
    },
  },
  {
    name: 'what ended is removed and run again',
    basis: '#ended',
    kinds: ['plan'],
    instead(one, demand) {
      const own = instancesOf(one);
      const split = (operation: Expected): readonly Expected[] => {
        if (operation.op !== 'replace' || !isEnded(own, operation['container'])) return [operation];
        const { machine, container } = operation;
        return [
          { op: 'remove', machine, container },
          { op: 'run', machine },
        ];
      };
      const expected = demand.expected.flatMap(split);
      const isConcerned = expected.some(
        ({ op, container }) => op === 'remove' && isEnded(own, container),
      );
      // Whether it is removed before another one runs depends on how long it has been there.
      return isConcerned ? { expected, orderMatters: false } : undefined;
    },
  },
  {
    name: 'replaced in the order of their age',
    basis: 8,
    kinds: ['plan'],
    instead(one, { expected, orderMatters }) {
      const spec = specOrNone(one);
      if (!orderMatters || spec?.mode === 'global') return undefined;
      const replaces = expected
        .filter(({ op }) => op === 'replace' || op === 'update')
        .toSorted(oldestFirst(instancesOf(one)));
      return {
        expected: expected.map((operation) =>
          operation.op === 'replace' || operation.op === 'update'
            ? (replaces.shift() ?? operation)
            : operation,
        ),
      };
    },
  },
  {
    name: 'volumes are made where they are missing',
    basis: '#volumes-made',
    kinds: ['plan'],
    instead(one, { expected }) {
      const spec = specOrNone(one);
      return spec === undefined ? undefined : withVolumesMade(one, spec, expected);
    },
  },
  {
    name: 'hooks run for new revisions only',
    basis: 15,
    kinds: ['plan', 'multi-plan'],
    instead(one, { expected }) {
      const spec = specOrNone(one);
      const own = instancesOf(one);
      if (spec === undefined || own.length === 0 || isForced(one)) return undefined;
      // Some are of the new spec already: its rollout has begun.
      const isSame = own.some((container) => effectOn(container, spec) !== undefined);
      return isSame
        ? { expected: expected.filter(({ op }) => !op.endsWith('PreDeploy')) }
        : undefined;
    },
  },
  {
    name: 'host ports that are taken show in the plan',
    basis: 7,
    kinds: ['plan'],
    instead(one, { expected }) {
      const spec = specOrNone(one);
      const hostPorts = (spec?.ports ?? []).filter((text) => text.endsWith('@host'));
      if (spec === undefined || hostPorts.length === 0 || spec.mode === 'global') return undefined;
      const taken = new Set<unknown>();
      return {
        expected: expected.map((operation): Expected => {
          const { op, machine } = operation;
          const isSecond = op === 'run' && taken.has(machine);
          if (op === 'run' || op === 'replace') taken.add(machine);
          return isSecond ? { op: 'error', contains: 'host port' } : operation;
        }),
      };
    },
  },
];

/** Instances of the case's service, in listing order. */
export function instancesOf(one: ServiceCase): readonly CaseContainer[] {
  const name = specOrNone(one)?.name;
  return one.initial.containers.filter(
    ({ hook, service, spec }) =>
      hook === undefined && (name === undefined || (service ?? spec.name ?? name) === name),
  );
}

function isForced(one: ServiceCase): boolean {
  return one.options['forceRecreate'] === true;
}

/** Whether nobody will start it again. */
function isEnded(own: readonly CaseContainer[], id: unknown): boolean {
  return ['exited', 'dead', 'created'].includes(stateOf(own, id) ?? '');
}

function stateOf(own: readonly CaseContainer[], id: unknown): string | undefined {
  return own.find((container) => container.id === id)?.state;
}

function replaced(expected: Demand['expected']): readonly unknown[] {
  return expected.filter(({ op }) => op === 'replace').map(({ container }) => container);
}

/** Cases list the newest first. */
function oldestFirst(own: readonly CaseContainer[]): (a: Expected, b: Expected) => number {
  const age = own.map(({ id }) => id);
  return (a, b) => age.indexOf(String(b['container'])) - age.indexOf(String(a['container']));
}

/** As uncloud does when it deploys a file, and not when it deploys one service. */
function withVolumesMade(
  one: ServiceCase,
  spec: NeutralSpec,
  expected: readonly Expected[],
): Partial<Demand> | undefined {
  const { machines, volumes } = one.initial;
  const mounted = new Set((spec.container.volumeMounts ?? []).map(({ volume }) => volume));
  const named = (spec.volumes ?? [])
    .filter(
      ({ type, name, external }) => type === 'volume' && mounted.has(name) && external !== true,
    )
    .map(({ name, volumeName = name }) => volumeName);
  const placed = spec.placement?.machines ?? [];
  const eligible = machines
    .filter(({ id, name, state }) => state !== 'down' && mayHave(placed, id, name))
    .map(({ id }) => id);
  const has = (machine: string, name: string): boolean =>
    volumes.some((volume) => volume.machine === machine && volume.name === name);
  if (named.length === 0 || eligible.length === 0 || instancesOf(one).length > 0) return undefined;
  if (spec.mode === 'global') {
    const creates = eligible.flatMap((machine) =>
      named
        .filter((volume) => !has(machine, volume))
        .map((volume) => ({ op: 'createVolume', machine, volume })),
    );
    if (creates.length === 0) return undefined;
    return { expected: [...creates, ...eligible.map((machine) => ({ op: 'run', machine }))] };
  }
  const isMissing = named.every((name) => !volumes.some((volume) => volume.name === name));
  const isRefused = expected.some(({ op }) => op === 'error');
  if (!isMissing || !isRefused) return undefined;
  const machine = eligible.toSorted()[0];
  return {
    expected: [
      ...named.map((volume) => ({ op: 'createVolume', machine, volume })),
      ...Array.from({ length: Math.max(1, spec.replicas ?? 1) }, () => ({ op: 'run', machine })),
    ],
  };
}

function mayHave(placed: readonly string[], id: string, name: string): boolean {
  return placed.length === 0 || placed.includes(id) || placed.includes(name);
}
