// Design rules about what a change of the spec means for an instance that runs: less than for uncloud.
import type { NeutralSpec } from '#cli/spec/neutral-spec.ts';
import type { DesignRule } from './design-rule.ts';
import type { CaseContainer, Expected, ServiceCase } from './service-case.ts';
import { differingFields, isSameImage } from './spec-difference.ts';
import { specOrNone } from './text-rules.ts';

/** What a changed field asks of an instance. */
type Effect = 'nothing' | 'update' | 'recreate';

interface ChangeRule {
  readonly name: string;
  readonly basis: DesignRule['basis'];
  readonly effect: Effect;
  readonly concerns: (path: string, change: Change) => boolean;
}

interface Change {
  readonly container: CaseContainer;
  readonly to: NeutralSpec;
}

/** Of all fields that uncloud recreates for. */
const RULES: readonly ChangeRule[] = [
  {
    name: 'CPU and memory change in place',
    basis: 9,
    effect: 'update',
    concerns: (path) => /^container\.resources\.(cpu|memory|memoryReservation)$/.test(path),
  },
  {
    name: 'shared memory cannot change in place',
    basis: '#shared-memory',
    effect: 'recreate',
    concerns: (path) => path === 'container.resources.sharedMemory',
  },
  {
    name: 'placement moves only instances that may not stay',
    basis: 9,
    effect: 'nothing',
    concerns: (path, { container, to }) => path === 'placement' && mayStay(container.machine, to),
  },
  {
    name: 'ingress changes beside the instances',
    basis: 9,
    effect: 'nothing',
    concerns: (path) => path === 'ports.ingress' || path === 'caddy',
  },
  {
    name: 'two texts for one image are one image',
    basis: '#images',
    effect: 'nothing',
    concerns: (path, { container, to }) =>
      path === 'container.image' && isSameImage(container.spec, to),
  },
  {
    name: 'what no container mounts is no part of an instance',
    basis: '#unmounted',
    effect: 'nothing',
    concerns: (path) => path === 'volumes.unmounted' || path === 'configs.unmounted',
  },
  {
    name: 'settings of volumes that only say how they are made',
    basis: '#volume-settings',
    effect: 'nothing',
    concerns: (path, { container, to }) =>
      path === 'volumes.mounted' && haveSameMounts(container.spec, to),
  },
  {
    name: 'capabilities are a set',
    basis: '#sets',
    effect: 'nothing',
    concerns: (path, { container, to }) =>
      (path === 'container.capAdd' || path === 'container.capDrop') &&
      isSameSet(container.spec, to, path),
  },
  {
    name: 'devices are a set',
    basis: '#sets',
    effect: 'nothing',
    concerns: (path, { container, to }) =>
      path === 'container.resources.devices' && haveSameDevices(container.spec, to),
  },
  {
    name: 'health checks without a command are that of the image, and all that are off are one',
    basis: '#health-checks',
    effect: 'nothing',
    concerns: (path, { container, to }) =>
      path === 'container.healthcheck' && testOf(container.spec) === testOf(to),
  },
  {
    name: 'always asks the registry instead of recreating',
    basis: 10,
    effect: 'nothing',
    concerns: (path) => path === 'always' || path === 'container.pullPolicy',
  },
];

/** uncloud's own rule, as if it were a change: `always` recreates although nothing changed. */
function changesOf(change: Change): ReadonlySet<string> {
  const { container, to } = change;
  const fields = new Set(differingFields(container.spec, to));
  for (const name of ['mode', 'replicas', 'updateConfig', 'preDeploy']) fields.delete(name);
  if (to.container.pullPolicy === 'always') fields.add('always');
  else fields.delete('container.pullPolicy');
  return fields;
}

/** Of a named volume: all but what it is called and driven by. Of a folder: its default propagation. */
function haveSameMounts(from: NeutralSpec, to: NeutralSpec): boolean {
  const essence = ({ volumes = [] }: NeutralSpec): string =>
    JSON.stringify(
      volumes
        .map(({ noCopy: _copy, labels: _labels, external: _external, ...volume }) => ({
          ...volume,
          volumeName: volume.type === 'volume' ? (volume.volumeName ?? volume.name) : undefined,
          propagation: volume.propagation === 'rprivate' ? undefined : volume.propagation,
          mode: undefined,
        }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );
  return essence(from) === essence(to);
}

function isSameSet(from: NeutralSpec, to: NeutralSpec, path: string): boolean {
  const words = ({ container }: NeutralSpec): string =>
    JSON.stringify((path.endsWith('capAdd') ? container.capAdd : container.capDrop)?.toSorted());
  return words(from) === words(to);
}

function haveSameDevices(from: NeutralSpec, to: NeutralSpec): boolean {
  const texts = ({ container }: NeutralSpec): string =>
    JSON.stringify(
      (container.resources?.devices ?? []).map((device) => JSON.stringify(device)).toSorted(),
    );
  return texts(from) === texts(to);
}

/** What tests an instance: that of its image, none, or one of its own, which equals no other. */
function testOf({ container: { healthcheck } }: NeutralSpec): unknown {
  const [kind] = healthcheck?.test ?? [];
  if (healthcheck?.disable === true || kind === 'NONE') return 'none';
  return kind === undefined ? "the image's" : healthcheck;
}

function mayStay(machine: string, { placement }: NeutralSpec): boolean {
  const machines = placement?.machines ?? [];
  return machines.length === 0 || machines.includes(machine);
}

/** What the changes ask of an instance, as far as rules say; undefined when a field is left to uncloud's rule. */
export function effectOn(container: CaseContainer, to: NeutralSpec): Effect | undefined {
  const change = { container, to };
  const effects = [...changesOf(change)].map(
    (path) => RULES.find(({ concerns }) => concerns(path, change))?.effect,
  );
  if (effects.some((effect) => effect === undefined || effect === 'recreate')) return undefined;
  return effects.includes('update') ? 'update' : 'nothing';
}

/** One for each change rule: it has a say when it concerns a container and all other changes are harmless too. */
export const CHANGE_RULES: readonly DesignRule[] = RULES.map((rule): DesignRule => ({
  name: rule.name,
  basis: rule.basis,
  kinds: ['eval', 'plan'],
  instead(one, { expected, status }) {
    const to = specOrNone(one);
    if (to === undefined || one.options['forceRecreate'] === true) return undefined;
    const isConcerned = (container: CaseContainer): boolean =>
      [...changesOf({ container, to })].some((path) => rule.concerns(path, { container, to }));
    const concerned = one.initial.containers.filter(
      (container) => container.hook === undefined && isConcerned(container),
    );
    if (concerned.length === 0) return undefined;
    if (rule.effect === 'recreate')
      return status === 'needs-update' ? { status: 'needs-recreate' } : undefined;
    return {
      expected: expected.flatMap((operation) => insteadOf(operation, concerned, to)),
      ...statusAfter(status, one, to),
    };
  },
}));

function insteadOf(
  operation: Expected,
  concerned: readonly CaseContainer[],
  to: NeutralSpec,
): readonly Expected[] {
  const container = concerned.find(({ id }) => id === operation['container']);
  if (operation.op !== 'replace' || container === undefined) return [operation];
  if (container.state !== 'running') return [operation];
  const effect = effectOn(container, to);
  if (effect === undefined) return [operation];
  if (effect === 'nothing') return [];
  return [{ op: 'update', machine: operation['machine'], container: operation['container'] }];
}

function statusAfter(
  status: string | undefined,
  { initial }: ServiceCase,
  to: NeutralSpec,
): { readonly status?: string } {
  const [container] = initial.containers;
  if (status === undefined || container === undefined) return {};
  const effect = effectOn(container, to);
  if (effect === undefined) return {};
  return { status: effect === 'nothing' ? 'up-to-date' : 'needs-update' };
}
