// The labels by which the Engine knows our containers again: whose they are, and what. Nothing without them is ever touched. Pure.
import type { ContainerIdentity, PodSandboxSpec } from './runtime.ts';

const PREFIX = 'windlass.dev';
export const LABELS = {
  owner: `${PREFIX}/owner`,
  namespace: `${PREFIX}/pod-namespace`,
  pod: `${PREFIX}/pod-name`,
  podUID: `${PREFIX}/pod-uid`,
  container: `${PREFIX}/container`,
  attempt: `${PREFIX}/attempt`,
  /** `true` on what holds the namespaces of a Pod. */
  sandbox: `${PREFIX}/sandbox`,
} as const;

export type Labelled = Readonly<Record<string, string>>;

/** A filter of the Engine's list and events. */
export function labelFilter(owner: string): string {
  return `${LABELS.owner}=${owner}`;
}

export function containerLabels(identity: ContainerIdentity, owner: string): Labelled {
  return {
    [LABELS.owner]: owner,
    [LABELS.namespace]: identity.namespace,
    [LABELS.pod]: identity.pod,
    [LABELS.podUID]: identity.podUID,
    [LABELS.container]: identity.container,
    [LABELS.attempt]: String(identity.attempt),
  };
}

export function sandboxLabels(
  { namespace, pod, podUID }: Pick<PodSandboxSpec, 'namespace' | 'pod' | 'podUID'>,
  owner: string,
): Labelled {
  return {
    [LABELS.owner]: owner,
    [LABELS.namespace]: namespace,
    [LABELS.pod]: pod,
    [LABELS.podUID]: podUID,
    [LABELS.sandbox]: 'true',
  };
}

export function isSandbox(labels: Labelled): boolean {
  return labels[LABELS.sandbox] === 'true';
}

/** undefined when the labels are not those of a container, or not complete. */
export function identityOf(labels: Labelled): ContainerIdentity | undefined {
  const { [LABELS.namespace]: namespace, [LABELS.pod]: pod, [LABELS.podUID]: podUID } = labels;
  const container = labels[LABELS.container];
  const attempt = Number(labels[LABELS.attempt]);
  if (namespace === undefined || pod === undefined || podUID === undefined) return undefined;
  if (container === undefined || !Number.isInteger(attempt)) return undefined;
  return { namespace, pod, podUID, container, attempt };
}
