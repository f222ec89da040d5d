// Which objects a quota with scopes is about. One without is about all.
import { parseQuantity } from '../quantity.ts';
import type {
  QuotaClaim,
  QuotaPod,
  QuotaResources,
  QuotaSpec,
  ScopeRequirement,
} from './quota-objects.ts';

/** What scopes ask of an object, read once. */
export interface ScopeFacts {
  readonly kind: 'pods' | 'persistentvolumeclaims';
  readonly terminating?: boolean;
  readonly bestEffort?: boolean;
  readonly crossNamespace?: boolean;
  /** '' for none. */
  readonly priorityClass?: string;
  readonly attributesClass?: string;
}

/** @returns undefined for kinds that no scope is about */
export function scopeFactsOf(kind: string, object: unknown): ScopeFacts | undefined {
  if (kind === 'persistentvolumeclaims') {
    const { spec, status } = object as QuotaClaim;
    const attributesClass =
      status?.currentVolumeAttributesClassName ?? spec?.volumeAttributesClassName ?? '';
    return { kind, attributesClass };
  }
  if (kind !== 'pods') return undefined;
  const pod = object as QuotaPod;
  return {
    kind,
    terminating: (pod.spec?.activeDeadlineSeconds ?? -1) >= 0,
    bestEffort: asksForNothing(pod),
    crossNamespace: looksAcross(pod),
    priorityClass: pod.spec?.priorityClassName ?? '',
  };
}

function asksForNothing({ spec }: QuotaPod): boolean {
  const all = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    { resources: spec?.resources },
  ];
  const asks = (resources: QuotaResources | undefined): boolean =>
    [resources?.requests, resources?.limits].some((amounts) =>
      ['cpu', 'memory'].some((name) => (parseQuantity(String(amounts?.[name]))?.nano ?? 0n) > 0n),
    );
  return !all.some(({ resources }) => asks(resources));
}

function looksAcross({ spec }: QuotaPod): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ podAffinityTerm }) => podAffinityTerm,
      ),
    ].some((term) => (term?.namespaces?.length ?? 0) > 0 || term?.namespaceSelector !== undefined),
  );
}

export function scopesOf({ scopes = [], scopeSelector }: QuotaSpec): readonly ScopeRequirement[] {
  const plain = scopes.map((scopeName) => ({ scopeName, operator: 'Exists' }));
  return [...plain, ...(scopeSelector?.matchExpressions ?? [])];
}

/** @param facts undefined: of a kind that no scope is about */
export function isInScopes(
  requirements: readonly ScopeRequirement[],
  facts: ScopeFacts | undefined,
): boolean {
  if (requirements.length === 0) return true;
  return facts !== undefined && requirements.every((requirement) => matches(requirement, facts));
}

function matches(requirement: ScopeRequirement, facts: ScopeFacts): boolean {
  if (facts.kind === 'persistentvolumeclaims') {
    return (
      requirement.scopeName === 'VolumeAttributesClass' &&
      holds(requirement, facts.attributesClass ?? '')
    );
  }
  switch (requirement.scopeName) {
    case 'Terminating':
      return facts.terminating === true;
    case 'NotTerminating':
      return facts.terminating !== true;
    case 'BestEffort':
      return facts.bestEffort === true;
    case 'NotBestEffort':
      return facts.bestEffort !== true;
    case 'CrossNamespacePodAffinity':
      return facts.crossNamespace === true;
    case 'PriorityClass':
      return holds(requirement, facts.priorityClass ?? '');
    default:
      return false;
  }
}

/** @param name '' for none */
function holds({ operator, values = [] }: ScopeRequirement, name: string): boolean {
  switch (operator) {
    case 'In':
      return name !== '' && values.includes(name);
    case 'NotIn':
      return name === '' || !values.includes(name);
    case 'Exists':
      return name !== '';
    case 'DoesNotExist':
      return name === '';
    default:
      return false;
  }
}
