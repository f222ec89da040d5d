// What a Cluster in a file would change, computed here as the controller would: nothing is written.
import { hashPlan } from '#controllers/cluster/hash-plan.ts';
import { planInput } from '#controllers/cluster/plan-input.ts';
import type { ClusterPlan } from '#controllers/cluster/plan-types.ts';
import { planCluster } from '#controllers/cluster/plan.ts';
import { resolveSettings } from '#controllers/cluster/settings.ts';
import type { Cluster, ClusterSpec, Machine } from '#controllers/cluster/types.ts';
import type { Client } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { CLUSTERS, MACHINES } from '#controllers/machinery/resources.ts';
import type { Manifest } from '../apply/manifest.ts';
import { CommandError } from '../usage-error.ts';

export interface Preview {
  readonly name: string;
  readonly namespace: string;
  readonly plan: ClusterPlan;
  readonly hash: string;
}

/** The Clusters among the documents of a file. */
export function clustersIn(manifests: readonly Manifest[]): readonly Manifest[] {
  return manifests.filter(
    ({ object }) => object.kind === 'Cluster' && object.apiVersion.startsWith('windlass.dev/'),
  );
}

/** @throws CommandError for a spec that cannot be */
export async function previewCluster(
  client: Client,
  { object }: Manifest,
  usualNamespace: string,
  signal: AbortSignal,
): Promise<Preview> {
  const { name, namespace = usualNamespace } = object.metadata;
  let live: Cluster | undefined;
  try {
    live = await client.get<Cluster>(CLUSTERS, namespace, name, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const metadata = live?.metadata ?? {
    name,
    namespace,
    uid: 'not made yet',
    resourceVersion: '',
    creationTimestamp: '',
  };
  // The server checks it when it is applied; what cannot be planned with is said here.
  const spec = ('spec' in object ? object.spec : {}) as ClusterSpec;
  const cluster: Cluster = { metadata, spec, ...(live?.status && { status: live.status }) };
  const settings = resolveSettings(cluster);
  if ('problem' in settings) throw new CommandError(`cluster ${name}: ${settings.problem}`);
  const machines = (await client.list<Machine>(MACHINES, { namespace }, signal)).items;
  const plan = planCluster(planInput(cluster, settings, { machines, nodes: () => undefined }));
  return { name, namespace, plan, hash: hashPlan(plan.items) };
}
