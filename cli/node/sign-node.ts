// A certificate for a node, asked for with a CertificateSigningRequest: the first time with a token, later with the one it has.
import type { ApiObject, ApiResource, Client } from '#controllers/machinery/client-types.ts';
import { requestNodeCertificate } from '#controlplane/node-kubeconfig.ts';
import type { NodeCertificate } from '#controlplane/node-kubeconfig.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { CommandError } from '../usage-error.ts';

const REQUESTS: ApiResource = {
  group: 'certificates.k8s.io',
  version: 'v1',
  resource: 'certificatesigningrequests',
  kind: 'CertificateSigningRequest',
  namespaced: false,
};
const SIGNER = 'windlass.dev/node';
/** Agents meet each other as servers too. */
const USAGES = ['digital signature', 'client auth', 'server auth'];
const POLL_MS = 250;
const WITHIN_MS = 120_000;

interface SigningRequest extends ApiObject {
  readonly status?: {
    readonly certificate?: string;
    readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
  };
}

export interface SignNodeOptions {
  readonly client: Pick<Client, 'create' | 'get'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly nodeName: string;
  /** At least 600. */
  readonly lifetimeSeconds: number;
}

/** @throws CommandError when it is denied, or nobody signs it; errors of the server */
export async function signNode(
  { client, clock, ids, nodeName, lifetimeSeconds }: SignNodeOptions,
  signal: AbortSignal,
): Promise<NodeCertificate> {
  const { request, privateKey } = await requestNodeCertificate(nodeName);
  const name = `node-${nodeName}-${ids.hex(8)}`;
  const object = {
    metadata: { name },
    spec: {
      signerName: SIGNER,
      request: Buffer.from(request).toString('base64'),
      usages: USAGES,
      expirationSeconds: lifetimeSeconds,
    },
  };
  await client.create(REQUESTS, '', object, signal);
  const end = clock.monotonic() + WITHIN_MS;
  for (;;) {
    const { status = {} } = await client.get<SigningRequest>(REQUESTS, '', name, signal);
    if (status.certificate !== undefined) {
      const certificate = Buffer.from(status.certificate, 'base64').toString('utf8');
      return { certificate, privateKey };
    }
    const no = status.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (no !== undefined)
      throw new CommandError(
        `the request ${name} is ${no.type.toLowerCase()}: ${no.message ?? ''}`,
      );
    if (clock.monotonic() > end)
      throw new CommandError(
        `nobody has signed the request ${name} within ${WITHIN_MS / 1000} s`,
        `A token without the usual group needs somebody: kubectl certificate approve ${name}`,
      );
    await sleep(clock, POLL_MS, signal);
  }
}
