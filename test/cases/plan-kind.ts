// Cases about what a deployment will do: planned by the controller's own planner, as `windlass plan` and `windlass deploy` show it.
import { mergePatched } from '#cli/apply/merge.ts';
import { previewServices } from '#cli/plan/preview-services.ts';
import type { ServiceChange } from '#cli/plan/preview-services.ts';
import type { ServicePreview } from '#cli/plan/preview.ts';
import { restartedTemplate } from '#cli/services.ts';
import { resolveSpec } from '#cli/spec/resolve-spec.ts';
import type { ResolvedSpec } from '#cli/spec/resolve-spec.ts';
import { CommandError } from '#cli/usage-error.ts';
import type { NeutralSpec } from '#cli/spec/neutral-spec.ts';
import { evaluateChange } from '#controllers/service/evaluate.ts';
import type { RolloutOperation } from '#controllers/service/plan-rollout.ts';
import { revisionDataOf } from '#controllers/service/revision-data.ts';
import type { Service } from '#controllers/service/types.ts';
import type { Outcome } from './outcome.ts';
import { flagOption, specOf, specsOf } from './service-case.ts';
import { ShapeError } from './shape.ts';
import type { Expected, ServiceCase } from './service-case.ts';
import { NOW, RANDOM, serviceFor, worldOf } from './world.ts';
import type { CaseWorld } from './world.ts';

export function playPlan(one: ServiceCase): Outcome {
  return { operations: operationsOf(planned(one, [specOf(one)])) };
}

/** Of several services that are deployed together. */
export function playMultiPlan(one: ServiceCase): Outcome {
  return { operations: operationsOf(planned(one, specsOf(one))) };
}

/** Only where the volumes go, or why they cannot. */
export function playVolumeSchedule(one: ServiceCase): Outcome {
  const previews = planned(one, specsOf(one));
  const operations = operationsOf(previews);
  return { operations: operations.filter(({ op }) => op === 'createVolume' || op === 'error') };
}

export function playEval(one: ServiceCase): Outcome {
  const [preview] = planned(one, [specOf(one)]);
  if (preview?.before === undefined)
    throw new ShapeError('initial.containers', 'a container of the service', []);
  const { before, after } = preview;
  const [from, to] = [before, after].map(({ spec }) => revisionDataOf(spec, new Map()));
  if (from === undefined || to === undefined) throw new Error('there are two');
  const { verdict } = evaluateChange(from, to);
  return { operations: operationsOf([preview]), status: verdict };
}

/** @throws CommandError for what cannot be deployed together */
function planned(one: ServiceCase, specs: readonly NeutralSpec[]): readonly ServicePreview[] {
  const named = specs.map((spec) =>
    resolveSpec(spec, { clusterDomain: undefined, random: RANDOM }),
  );
  const world = worldOf(one.initial, named[0]?.name ?? '');
  refuseTwice(named.map(({ name }) => name));
  const changes = named.map((spec) => deployment(one, spec, world));
  return previewServices(changes, world, NOW);
}

/** What no file that is applied can have: objects of one kind go by their names. */
function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new CommandError(`duplicate service name: '${twice}'`);
}

/** The service as it is, and as deploying the spec leaves it. */
function deployment(one: ServiceCase, spec: ResolvedSpec, { services }: CaseWorld): ServiceChange {
  const before = services.find(({ metadata }) => metadata.name === spec.name);
  const applied = serviceFor(spec, one.initial.machines);
  const after = { ...applied, ...(before === undefined ? {} : { status: before.status ?? {} }) };
  if (!flagOption(one, 'forceRecreate')) return { before, after };
  const template = restartedTemplate(NOW);
  return { before, after: mergePatched(after, { spec: { template } }) as Service };
}

/** Volumes before services, as deploying has it. */
export function operationsOf(previews: readonly ServicePreview[]): readonly Expected[] {
  const problem = previews.find((preview) => preview.problem !== '')?.problem;
  if (problem !== undefined) return [{ op: 'error', contains: problem }];
  const all = previews.flatMap(({ after, operations }) =>
    operations.map((operation) => neutralOperation(after.metadata.name, operation)),
  );
  const isVolume = ({ op }: Expected): boolean => op === 'createVolume';
  return [...all.filter(isVolume), ...all.filter((operation) => !isVolume(operation))];
}

/** Back to the words of the format. */
function neutralOperation(service: string, operation: RolloutOperation): Expected {
  const { op, node, pod, order, volume, driver, removes, reasons } = operation;
  // It waits for a port that another one holds: what uncloud finds out at the start.
  const taken = reasons.find((reason) => op === 'run' && /^host port .* is taken/.test(reason));
  if (taken !== undefined) return { op: 'error', contains: taken };
  if (op === 'createVolume')
    return { op, machine: node, volume, ...(driver === undefined ? {} : { driver }) };
  return {
    op,
    service,
    machine: node,
    ...(pod === undefined ? {} : { container: pod }),
    ...(order === undefined ? {} : { order }),
    ...(removes === undefined ? {} : { removes }),
  };
}
