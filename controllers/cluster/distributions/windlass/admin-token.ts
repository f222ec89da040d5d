// A token by which the controllers here stay administrators of a cluster whose authority is another one by now: of a service account in
// it, so that no certificate has to be believed, and whoever deletes that account has taken it back.
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { HttpClient } from '../../../machinery/client.ts';
import type { ApiObject, ApiResource } from '../../../machinery/client-types.ts';
import { isAlreadyExists } from '../../../machinery/request-error.ts';
import { CLUSTER_ROLE_BINDINGS, SECRETS, SERVICE_ACCOUNTS } from '../../../machinery/resources.ts';

/** What is asked of the API of a cluster. */
export type ClusterApi = Pick<HttpClient, 'getPath' | 'get' | 'create'>;

interface Secret extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

const NAME = 'windlass-cluster-controllers';
const NAMESPACE = 'kube-system';
const LOOK_EVERY_MS = 500;
const WITHIN_MS = 30_000;

/** The one that there is, or a new one. @throws Error when the cluster puts none into its Secret in time */
export async function makeAdminToken(
  api: ClusterApi,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  await created(api, SERVICE_ACCOUNTS, NAMESPACE, { metadata: { name: NAME } }, signal);
  const binding = {
    metadata: { name: NAME },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: NAMESPACE }],
  };
  await created(api, CLUSTER_ROLE_BINDINGS, '', binding, signal);
  const secret = {
    metadata: { name: NAME, annotations: { 'kubernetes.io/service-account.name': NAME } },
    type: 'kubernetes.io/service-account-token',
  };
  await created(api, SECRETS, NAMESPACE, secret, signal);
  const end = clock.monotonic() + WITHIN_MS;
  for (;;) {
    const { data } = await api.get<Secret>(SECRETS, NAMESPACE, NAME, signal);
    const token = Buffer.from(data?.['token'] ?? '', 'base64').toString('utf8');
    if (token !== '') return token;
    if (clock.monotonic() >= end)
      throw new Error(`the cluster put no token into its Secret ${NAMESPACE}/${NAME}`);
    await sleep(clock, LOOK_EVERY_MS, signal);
  }
}

async function created(
  api: ClusterApi,
  resource: ApiResource,
  namespace: string,
  object: object,
  signal: AbortSignal,
): Promise<void> {
  try {
    await api.create(resource, namespace, object, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
