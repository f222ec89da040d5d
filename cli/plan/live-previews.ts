// Previews against a running server: it judges the manifests itself, in a dry run of applying them, and tells what is there.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import type { NodeObject } from '#controllers/machinery/node-fit.ts';
import { CONTROLLER_REVISIONS, NODES, PODS } from '#controllers/machinery/resources.ts';
import type { Pod } from '#controllers/service/instance.ts';
import type { ControllerRevision } from '#controllers/service/revision.ts';
import { SERVICE_LABEL } from '#controllers/service/types.ts';
import type { Service } from '#controllers/service/types.ts';
import { applyManifest } from '../apply/apply.ts';
import type { Applied, ApplyOptions } from '../apply/apply.ts';
import type { Manifest } from '../apply/manifest.ts';
import { isService, told } from '../file-options.ts';
import { previewService } from './preview.ts';
import type { ServicePreview } from './preview.ts';

export interface LivePreviews {
  /** Outcome of each manifest, in the order of the file. */
  readonly applied: readonly Applied[];
  /** Of each service among them. */
  readonly services: readonly ServicePreview[];
}

/**
 * @param client one whose writes are dry runs
 * @throws CommandError with the server's words for a manifest that it refuses
 */
export async function livePreviews(
  client: Client,
  manifests: readonly Manifest[],
  { namespace, overlay }: ApplyOptions,
  now: number,
  signal: AbortSignal,
): Promise<LivePreviews> {
  const applied: Applied[] = [];
  const services: ServicePreview[] = [];
  const { items: nodes } = await client.list<ApiObject & NodeObject>(NODES, {}, signal);
  for (const manifest of manifests) {
    const options = applyOptions(manifest, namespace, overlay);
    const one = await told(() => applyManifest(client, manifest, signal, options));
    applied.push(one);
    if (!isService(manifest)) continue;
    const after = one.object as Service;
    const selectors = {
      namespace: after.metadata.namespace ?? 'default',
      labelSelector: `${SERVICE_LABEL}=${after.metadata.name}`,
    };
    const [pods, revisions] = await Promise.all([
      client.list<Pod>(PODS, selectors, signal),
      client.list<ControllerRevision>(CONTROLLER_REVISIONS, selectors, signal),
    ]);
    const world = { nodes, pods: pods.items, revisions: revisions.items };
    const before = one.before as Service | undefined;
    services.push(previewService({ before, after, world, now }));
  }
  return { applied, services };
}

/** How a manifest is applied; the overlay is for services only. */
export function applyOptions(
  manifest: Manifest,
  namespace: string | undefined,
  overlay: ApplyOptions['overlay'],
): ApplyOptions {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(overlay === undefined || !isService(manifest) ? {} : { overlay }),
  };
}
