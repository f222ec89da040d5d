// What a node joins with, read from a Secret: a whole kubeconfig, a token, or a client certificate. Pure. Nothing here, errors included,
// ever says a value.
import { GoalError } from './goal-state.ts';

export type NodeCredential =
  | { readonly kind: 'kubeconfig'; readonly kubeconfig: string; readonly ca?: string }
  /** With it the kubelet asks for a certificate of its own. */
  | { readonly kind: 'token'; readonly token: string; readonly ca?: string }
  | {
      readonly kind: 'certificate';
      readonly certificate: string;
      readonly key: string;
      readonly ca?: string;
    };

/**
 * The first of: `kubeconfig`; `token`, or `token-id` and `token-secret` as of a bootstrap token; `tls.crt` and `tls.key`. `ca.crt`
 * belongs to each. A key that is named holds a kubeconfig or a token.
 *
 * @param data values of the Secret, as text
 * @throws GoalError that says what is missing
 */
export function nodeCredential(
  secret: string,
  data: Readonly<Record<string, string>>,
  key?: string,
): NodeCredential {
  const authority = data['ca.crt']?.trim();
  const ca = authority === undefined || authority === '' ? {} : { ca: `${authority}\n` };
  const named = key === undefined ? undefined : data[key];
  if (key !== undefined && named === undefined)
    throw new GoalError(
      `spec.node.credentialSecretRef: Secret ${secret} with key ${key} is not there`,
    );
  const kubeconfig = named === undefined ? data['kubeconfig'] : configurationIn(named);
  if (kubeconfig !== undefined) return { kind: 'kubeconfig', kubeconfig, ...ca };
  const { 'token-id': id, 'token-secret': rest, 'tls.crt': certificate, 'tls.key': own } = data;
  const bootstrap = id !== undefined && rest !== undefined ? `${id}.${rest}` : undefined;
  const token = (named ?? data['token'] ?? bootstrap)?.trim();
  if (token !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new GoalError(
        `spec.node.credentialSecretRef: Secret ${secret} has a token that is no single word`,
      );
    return { kind: 'token', token, ...ca };
  }
  if (certificate !== undefined && own !== undefined)
    return { kind: 'certificate', certificate, key: own, ...ca };
  throw new GoalError(
    `spec.node.credentialSecretRef: Secret ${secret} has neither kubeconfig, token, token-id with token-secret, nor tls.crt with tls.key`,
  );
}

/** A kubeconfig names clusters; a token is one word. */
function configurationIn(text: string): string | undefined {
  return /(^|[{,\s])"?clusters"?\s*:/.test(text) ? text : undefined;
}
