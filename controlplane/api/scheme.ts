// Which kinds the server serves right now. Built-ins are added at start, custom resources come and go with their
// definitions; discovery, routing and OpenAPI read it and listen for changes.
import type { ResourceDefinition } from './resource.ts';

export interface SchemeChange {
  readonly added: readonly ResourceDefinition[];
  readonly removed: readonly ResourceDefinition[];
}

const keyOf = (group: string, version: string, rest: string): string =>
  `${group}/${version}/${rest}`;

export class Scheme {
  readonly #byResource = new Map<string, ResourceDefinition>();
  readonly #byKind = new Map<string, ResourceDefinition>();
  readonly #listeners = new Set<(change: SchemeChange) => void>();
  #generation = 0;

  /** Grows with each change: a cheap validator for cached discovery documents. */
  get generation(): number {
    return this.#generation;
  }

  add(definitions: readonly ResourceDefinition[]): void {
    this.replace([], definitions);
  }

  remove(definitions: readonly ResourceDefinition[]): void {
    this.replace(definitions, []);
  }

  /** One change for listeners, so that a kind that only got a new schema never seems gone. */
  replace(removed: readonly ResourceDefinition[], added: readonly ResourceDefinition[]): void {
    if (removed.length === 0 && added.length === 0) return;
    for (const { group, version, resource, kind } of removed) {
      this.#byResource.delete(keyOf(group, version, resource));
      this.#byKind.delete(keyOf(group, version, kind));
    }
    for (const definition of added) {
      const { group, version, resource, kind } = definition;
      this.#byResource.set(keyOf(group, version, resource), definition);
      this.#byKind.set(keyOf(group, version, kind), definition);
    }
    this.#generation += 1;
    for (const listener of this.#listeners) listener({ added, removed });
  }

  byResource(group: string, version: string, resource: string): ResourceDefinition | undefined {
    return this.#byResource.get(keyOf(group, version, resource));
  }

  byKind(group: string, version: string, kind: string): ResourceDefinition | undefined {
    return this.#byKind.get(keyOf(group, version, kind));
  }

  /** All definitions, in the order they were added. */
  definitions(): readonly ResourceDefinition[] {
    return [...this.#byResource.values()];
  }

  /** Definitions of one group version, sorted by plural. */
  definitionsOf(group: string, version: string): readonly ResourceDefinition[] {
    return this.definitions()
      .filter((definition) => definition.group === group && definition.version === version)
      .toSorted((a, b) => (a.resource < b.resource ? -1 : 1));
  }

  /** Every served version of a kind, best first. */
  versionsOf(group: string, resource: string): readonly ResourceDefinition[] {
    return this.definitions()
      .filter((definition) => definition.group === group && definition.resource === resource)
      .toSorted((a, b) => compareVersions(a.version, b.version));
  }

  /** Served groups with their versions, best version first; the core group ('') first, the others by name. */
  groups(): readonly { readonly group: string; readonly versions: readonly string[] }[] {
    const versions = new Map<string, Set<string>>();
    for (const { group, version } of this.#byResource.values()) {
      const known = versions.get(group);
      if (known === undefined) versions.set(group, new Set([version]));
      else known.add(version);
    }
    return [...versions]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([group, set]) => ({ group, versions: [...set].toSorted(compareVersions) }));
  }

  /** Calls `listener` after each change; returns how to stop. Listeners must not throw. */
  onChange(listener: (change: SchemeChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const KUBE_VERSION = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;
const STABILITY: Readonly<Record<string, number>> = { '': 2, beta: 1, alpha: 0 };

/** Kube-aware version order, best first: v10, v2, v1, v2beta1, v1beta2, v1alpha1, then others by name. */
export function compareVersions(a: string, b: string): number {
  const left = KUBE_VERSION.exec(a);
  const right = KUBE_VERSION.exec(b);
  if (left === null || right === null) {
    if (left !== null) return -1;
    if (right !== null) return 1;
    return a < b ? -1 : Number(a > b);
  }
  return (
    (STABILITY[right[2] ?? ''] ?? 0) - (STABILITY[left[2] ?? ''] ?? 0) ||
    Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}
