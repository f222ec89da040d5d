// Previews without a server, against recorded objects: the same planner, and the merge of `apply` carried out here. Pure.
import type { Service } from '#controllers/service/types.ts';
import { annotate, lastAppliedOf } from '../apply/apply.ts';
import type { Manifest } from '../apply/manifest.ts';
import { mergePatched, threeWayMerge } from '../apply/merge.ts';
import { isService } from '../file-options.ts';
import { CommandError } from '../usage-error.ts';
import { previewServices } from './preview-services.ts';
import type { ServicePreview } from './preview.ts';
import { checkServiceShape } from './recorded-shape.ts';
import type { RecordedState } from './recorded-state.ts';

/** @throws ManifestError or CommandError for a service that cannot be planned */
export function recordedPreviews(
  state: RecordedState,
  manifests: readonly Manifest[],
  usualNamespace: string,
): readonly ServicePreview[] {
  const changes = manifests.filter(isService).map((manifest) => {
    checkServiceShape(manifest);
    const { name, namespace = usualNamespace } = manifest.object.metadata;
    const before = state.services.find(
      ({ metadata }) => metadata.name === name && (metadata.namespace ?? 'default') === namespace,
    );
    return { before, after: applied(before, manifest, namespace) };
  });
  try {
    return previewServices(changes, state, state.recordedAt, true);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Some field deep inside has a type that no server would have let pass.
    throw new CommandError(
      `the services or the recorded objects cannot be read: ${error.message}`,
      'Without --state the server judges the manifest and names the field.',
      { cause: error },
    );
  }
}

/** The service as `apply` leaves it. */
function applied(before: Service | undefined, manifest: Manifest, namespace: string): Service {
  const desired = annotate(manifest.object, namespace);
  if (before === undefined) {
    const fresh = { uid: '', resourceVersion: '', creationTimestamp: '' };
    return { ...desired, metadata: { ...fresh, ...desired.metadata } } as unknown as Service;
  }
  const patch = threeWayMerge(lastAppliedOf(before), { ...before }, desired);
  return mergePatched(before, patch ?? {}) as Service;
}
