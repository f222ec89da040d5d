// Previews against a running server: it judges the manifests itself, in a dry run of applying them, and tells what is there.
import type {
  ApiObject,
  ApiResource,
  Client,
  Selectors,
} from '#controllers/machinery/client-types.ts';
import { nodeImagesOf, runsImages } from '#controllers/machinery/image-holders.ts';
import type { NodeObject } from '#controllers/machinery/node-fit.ts';
import {
  CONTROLLER_REVISIONS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  SECRETS,
  SERVICES,
} from '#controllers/machinery/resources.ts';
import type { Claim } from '#controllers/service/claims.ts';
import { imagesToAskFor } from '#controllers/service/image-digests.ts';
import type { Pod } from '#controllers/service/instance.ts';
import type { ControllerRevision } from '#controllers/service/revision.ts';
import { SERVICE_LABEL } from '#controllers/service/types.ts';
import type { Service } from '#controllers/service/types.ts';
import { applyManifest } from '../apply/apply.ts';
import type { Applied, ApplyOptions } from '../apply/apply.ts';
import type { Manifest } from '../apply/manifest.ts';
import { isService, told } from '../file-options.ts';
import { previewServices } from './preview-services.ts';
import type { ServiceChange } from './preview-services.ts';
import type { ServicePreview, World } from './preview.ts';

export interface LivePreviews {
  /** Outcome of each manifest, in the order of the file. */
  readonly applied: readonly Applied[];
  /** Of each service among them. */
  readonly services: readonly ServicePreview[];
}

export interface PreviewSettings extends ApplyOptions {
  /** Deploying asks registries whatever the pull policy, but Never. */
  readonly pull?: boolean;
}

/**
 * @param client one whose writes are dry runs
 * @throws CommandError with the server's words for a manifest that it refuses
 */
export async function livePreviews(
  client: Client,
  manifests: readonly Manifest[],
  { namespace, overlay, pull = false }: PreviewSettings,
  now: number,
  signal: AbortSignal,
): Promise<LivePreviews> {
  const applied: Applied[] = [];
  const changes: ServiceChange[] = [];
  for (const manifest of manifests) {
    const options = applyOptions(manifest, namespace, overlay);
    const one = await told(() => applyManifest(client, manifest, signal, options));
    applied.push(one);
    if (!isService(manifest)) continue;
    changes.push({ before: one.before as Service | undefined, after: one.object as Service });
  }
  if (changes.length === 0) return { applied, services: [] };
  const world = await liveWorld(client, namespacesOf(changes), plannedClaims(applied), signal);
  const previews = previewServices(changes, world, now);
  // A new service has its images looked up anyway.
  const isAsking = world.nodes.map(nodeImagesOf).some(runsImages);
  const services = previews.map((preview) =>
    isAsking && preview.exists
      ? { ...preview, lookups: imagesToAskFor(preview.after, pull) }
      : preview,
  );
  return { applied, services };
}

function namespacesOf(changes: readonly ServiceChange[]): readonly string[] {
  return [...new Set(changes.map(({ after }) => after.metadata.namespace ?? 'default'))];
}

/** Claims that the same file brings. */
function plannedClaims(applied: readonly Applied[]): readonly Claim[] {
  return applied
    .map(({ object }) => object)
    .filter(({ kind }) => kind === PERSISTENT_VOLUME_CLAIMS.kind);
}

/** What is there in these namespaces. */
async function liveWorld(
  client: Client,
  namespaces: readonly string[],
  planned: readonly Claim[],
  signal: AbortSignal,
): Promise<World> {
  const all = async <T extends ApiObject>(
    resource: ApiResource,
    selectors: Selectors = {},
  ): Promise<readonly T[]> => {
    const lists = namespaces.map((namespace) =>
      client.list<T>(resource, { ...selectors, namespace }, signal),
    );
    return (await Promise.all(lists)).flatMap(({ items }) => items);
  };
  const own = { labelSelector: SERVICE_LABEL };
  const [nodes, pods, revisions, claims, services, secrets] = await Promise.all([
    client.list<ApiObject & NodeObject>(NODES, {}, signal).then(({ items }) => items),
    all<Pod>(PODS, own),
    all<ControllerRevision>(CONTROLLER_REVISIONS, own),
    all<Claim>(PERSISTENT_VOLUME_CLAIMS),
    all<Service>(SERVICES),
    all(SECRETS, { metadataOnly: true }),
  ]);
  const known = new Set(claims.map(({ metadata }) => metadata.name));
  return {
    nodes,
    pods,
    revisions,
    claims: [...claims, ...planned.filter(({ metadata }) => !known.has(metadata.name))],
    services,
    secretVersions: new Map(
      secrets.map(({ metadata: { name, uid, resourceVersion } }) => [
        name,
        `${uid}/${resourceVersion}`,
      ]),
    ),
  };
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
