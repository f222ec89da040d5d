// What is asked before a write is made, beyond what the registry knows by itself: webhooks and policies of the cluster. Who answers
// is outside of the registry. Asking takes time, so all of it happens before the checks that nobody may come between and the write;
// what was shown is what is written, or the write starts anew.
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { WriteContext } from './types.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** group, version and kind of an object, as `Scale` is that of `deployments/scale`. */
export interface ObjectKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** One write, as it is shown to whoever is asked. Nobody changes what is in it. */
export interface AdmissionRequest {
  readonly operation: Operation;
  readonly definition: ResourceDefinition;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly kind: ObjectKind;
  /** That of a Namespace is its own name; '' for other objects of the cluster. */
  readonly namespace: string;
  /** '' while it is still to be made from generateName, and for each object of a deleted collection. */
  readonly name: string;
  /** Absent for DELETE. */
  readonly object: KubernetesObject | undefined;
  /** Absent for CREATE and CONNECT. */
  readonly old: KubernetesObject | undefined;
  /** CreateOptions and the like, with kind and apiVersion; absent for CONNECT. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  readonly context: WriteContext;
  /**
   * Makes an object of the kind out of what a mutation left: fields that are none dropped, defaults filled in.
   *
   * @throws ApiError for what is no object of the kind
   */
  readonly refine: (object: KubernetesObject) => void;
}

/** Those who may have something to say about writes of one sort. */
export interface Gate {
  /** @returns the object as they want it; the request's own when nobody changed anything */
  readonly mutate:
    ((request: AdmissionRequest) => Promise<KubernetesObject | undefined>) | undefined;
  /** @throws ApiError of whoever refuses */
  readonly validate: ((request: AdmissionRequest) => Promise<void>) | undefined;
}

export interface Admission {
  /** Undefined when nobody cares: asked for every write, so it must cost nothing. */
  gate(definition: ResourceDefinition, subresource: string, operation: Operation): Gate | undefined;
}

export function gateOf(
  env: { readonly admission?: Admission },
  definition: ResourceDefinition,
  subresource: string,
  operation: Operation,
  context: WriteContext,
): Gate | undefined {
  if (env.admission === undefined || context.isInternal === true) return undefined;
  return env.admission.gate(definition, subresource, operation);
}

/** The namespace that a request is about, in admission's words: a Namespace is in itself. */
export function admissionNamespace(
  { group, resource }: Pick<ResourceDefinition, 'group' | 'resource'>,
  namespace: string,
  name: string,
): string {
  return group === '' && resource === 'namespaces' ? name : namespace;
}
