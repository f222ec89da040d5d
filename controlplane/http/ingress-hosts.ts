// What the Services say about ingress, for the rules of what nodes may have: hosts whose certificate our authority signs, and Secrets
// that hold one.
import type { Store } from '../store/types.ts';

const SERVICES = 'windlass.dev/services';

interface Entry {
  readonly protocol?: string;
  readonly host?: string;
  readonly tls?: { readonly mode?: string; readonly secretName?: string };
}

/** True if a Service wants this host served with a certificate of the cluster's own authority; '' is a port without a host. */
export function isInternalHost(store: Store, host: string): boolean {
  return entriesOf(store).some(
    (entry) =>
      entry.protocol === 'HTTPS' &&
      (entry.host ?? '') === host &&
      (entry.tls?.mode ?? 'Internal') === 'Internal',
  );
}

/** True if a Service of the namespace names the Secret for its ingress. */
export function isIngressSecret(store: Store, namespace: string, name: string): boolean {
  return entriesOf(store, namespace).some(
    ({ tls }) => tls?.mode === 'Secret' && tls.secretName === name,
  );
}

function entriesOf(store: Store, namespace?: string): readonly Entry[] {
  const { items } = store.list(SERVICES, namespace === undefined ? {} : { namespace });
  return items.flatMap(({ bytes }) => {
    const { spec } = JSON.parse(bytes.toString('utf8')) as {
      readonly spec?: { readonly ingress?: readonly Entry[] };
    };
    return spec?.ingress ?? [];
  });
}
