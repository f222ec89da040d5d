// What the node authorizer wants to know of Pods and of what Services refer to, answered from the store.
import type { BoundPods } from '../identity/node-authorizer.ts';
import type { Store, StoredObject } from '../store/types.ts';

import { isIngressSecret } from './ingress-hosts.ts';

const PODS = 'core/pods';

export class StoredPods implements BoundPods {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  isBound(namespace: string, name: string, node: string): boolean {
    const pod = this.#store.get(PODS, namespace, name);
    return pod !== undefined && isOn(pod, node);
  }

  refersTo(node: string, resource: string, namespace: string, name: string): boolean {
    // Every node serves every ingress.
    if (resource === 'secrets' && isIngressSecret(this.#store, namespace, name)) return true;
    const { items } = this.#store.list(PODS, { namespace, matches: (pod) => isOn(pod, node) });
    return items.some((pod) => {
      const { spec } = JSON.parse(pod.bytes.toString('utf8')) as { readonly spec?: PodSpec };
      return spec !== undefined && references(spec, resource).has(name);
    });
  }
}

function isOn(pod: StoredObject, node: string): boolean {
  return pod.fields['spec.nodeName'] === node;
}

interface Named {
  readonly name?: string;
}
interface Source {
  readonly configMap?: Named;
  readonly secret?: Named & { readonly secretName?: string };
  readonly persistentVolumeClaim?: { readonly claimName?: string };
  readonly projected?: { readonly sources?: readonly Source[] };
}
interface Container {
  readonly env?: readonly {
    readonly valueFrom?: { readonly configMapKeyRef?: Named; readonly secretKeyRef?: Named };
  }[];
  readonly envFrom?: readonly { readonly configMapRef?: Named; readonly secretRef?: Named }[];
}
interface PodSpec {
  readonly serviceAccountName?: string;
  readonly imagePullSecrets?: readonly Named[];
  readonly volumes?: readonly Source[];
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
}

/** Names of the objects of one core/v1 resource that a Pod's spec refers to. */
function references(spec: PodSpec, resource: string): ReadonlySet<string | undefined> {
  const sources = (spec.volumes ?? []).flatMap((volume) => [
    volume,
    ...(volume.projected?.sources ?? []),
  ]);
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const env = containers.flatMap((container) => container.env ?? []);
  const envFrom = containers.flatMap((container) => container.envFrom ?? []);
  switch (resource) {
    case 'configmaps':
      return new Set([
        ...sources.map(({ configMap }) => configMap?.name),
        ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
        ...envFrom.map(({ configMapRef }) => configMapRef?.name),
      ]);
    case 'secrets':
      return new Set([
        // A volume says secretName, a projected source says name.
        ...sources.map(({ secret }) => secret?.secretName ?? secret?.name),
        ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
        ...envFrom.map(({ secretRef }) => secretRef?.name),
        ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
      ]);
    case 'persistentvolumeclaims':
      return new Set(sources.map(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName));
    case 'serviceaccounts':
      return new Set([spec.serviceAccountName]);
    default:
      return new Set();
  }
}
