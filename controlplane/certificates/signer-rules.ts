// What our signers put their name under: upstream's rules for the three signers that a cluster has. Pure.
import type { SigningRequest } from '../api/certificates/signing-request.ts';

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
export const KUBELET_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
/** Ours: what agents of Windlass have, who meet each other as servers too. */
export const NODE_SIGNER = 'windlass.dev/node';
const KUBELET_SERVING_SIGNER = 'kubernetes.io/kubelet-serving';

const NODES = 'system:nodes';
const NODE_PREFIX = 'system:node:';
const SIGNATURE = 'digital signature';
const ENCIPHERMENT = 'key encipherment';

type Rule = (request: SigningRequest, usages: readonly string[]) => string | undefined;

const RULES: Readonly<Record<string, Rule>> = {
  [CLIENT_SIGNER](_request, usages) {
    const allowed = [SIGNATURE, ENCIPHERMENT, 'client auth'];
    if (!usages.includes('client auth')) return 'usages did not include "client auth"';
    const other = usages.find((usage) => !allowed.includes(usage));
    return other === undefined ? undefined : `usages included ${JSON.stringify(other)}`;
  },
  [KUBELET_CLIENT_SIGNER]: (request, usages) =>
    plainNode(request) ?? onlyUsages(usages, ['client auth']),
  [NODE_SIGNER]: (request, usages) =>
    plainNode(request) ?? onlyUsages(usages, ['client auth', 'server auth']),
  [KUBELET_SERVING_SIGNER](request, usages) {
    const names = nodeNames(request);
    if (names !== undefined) return names;
    if (request.dnsNames.length === 0 && request.ipAddresses.length === 0)
      return 'DNS or IP subjectAltName is required';
    return onlyUsages(usages, ['server auth']);
  },
};

/** What is wrong with a request for this signer; undefined when it may be signed, or when the signer is none of ours. */
export function signerProblem(
  signer: string,
  request: SigningRequest,
  usages: readonly string[],
): string | undefined {
  return Object.hasOwn(RULES, signer) ? RULES[signer]?.(request, usages) : undefined;
}

export function isOwnSigner(signer: string): boolean {
  return Object.hasOwn(RULES, signer);
}

function nodeNames(request: SigningRequest): string | undefined {
  const { organizations, commonName, emailAddresses, uris } = request;
  if (organizations.length !== 1 || organizations[0] !== NODES)
    return 'subject organization is not system:nodes';
  if (!commonName.startsWith(NODE_PREFIX) || commonName === NODE_PREFIX)
    return 'subject common name does not begin with system:node: ';
  if (emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  return uris.length > 0 ? 'URI subjectAltNames are not allowed' : undefined;
}

function plainNode(request: SigningRequest): string | undefined {
  const names = nodeNames(request);
  if (names !== undefined) return names;
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  return request.ipAddresses.length > 0 ? 'IP subjectAltNames are not allowed' : undefined;
}

function onlyUsages(usages: readonly string[], purposes: readonly string[]): string | undefined {
  const wanted = [SIGNATURE, ...purposes];
  const isAsked = wanted.every((usage) => usages.includes(usage));
  const isMore = usages.some((usage) => !wanted.includes(usage) && usage !== ENCIPHERMENT);
  return isAsked && !isMore ? undefined : `usages did not match [${wanted.join(' ')}]`;
}
