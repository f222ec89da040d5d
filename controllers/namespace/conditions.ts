// The conditions of a namespace that is being deleted, under upstream's types and reasons. Pure.
import type { Condition } from '../machinery/conditions.ts';

/** What keeps a namespace from going away. */
export interface Remainder {
  /** `pods` → number of objects left. */
  readonly objects: ReadonlyMap<string, number>;
  /** Finalizer → number of objects that have it. */
  readonly finalizers: ReadonlyMap<string, number>;
  readonly deletionFailures: readonly string[];
  readonly discoveryFailures: readonly string[];
}

type NewCondition = Omit<Condition, 'lastTransitionTime'>;

export function contentConditions(remainder: Remainder): readonly NewCondition[] {
  const { objects, finalizers, deletionFailures, discoveryFailures } = remainder;
  return [
    condition(
      'NamespaceDeletionDiscoveryFailure',
      discoveryFailures.length > 0,
      [
        'DiscoveryFailed',
        `Discovery failed for some groups, ${discoveryFailures.length} failing: ${discoveryFailures.join('; ')}`,
      ],
      ['ResourcesDiscovered', 'All resources successfully discovered'],
    ),
    condition(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      ['GroupVersionParsingFailed', ''],
      ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    ),
    condition(
      'NamespaceDeletionContentFailure',
      deletionFailures.length > 0,
      [
        'ContentDeletionFailed',
        `Failed to delete all resource types, ${deletionFailures.length} remaining: ${deletionFailures.join('; ')}`,
      ],
      ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ),
    condition(
      'NamespaceContentRemaining',
      objects.size > 0,
      [
        'SomeResourcesRemain',
        `Some resources are remaining: ${counted(objects, 'has', 'resource instances')}`,
      ],
      ['ContentRemoved', 'All content successfully removed'],
    ),
    condition(
      'NamespaceFinalizersRemaining',
      finalizers.size > 0,
      [
        'SomeFinalizersRemain',
        `Some content in the namespace has finalizers remaining: ${counted(finalizers, 'in', 'resource instances')}`,
      ],
      ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    ),
  ];
}

function condition(
  type: string,
  holds: boolean,
  [trueReason, trueMessage]: readonly [string, string],
  [falseReason, falseMessage]: readonly [string, string],
): NewCondition {
  return holds
    ? { type, status: 'True', reason: trueReason, message: trueMessage }
    : { type, status: 'False', reason: falseReason, message: falseMessage };
}

function counted(counts: ReadonlyMap<string, number>, verb: string, noun: string): string {
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${verb} ${count} ${noun}`)
    .join(', ');
}
