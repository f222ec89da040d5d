// --skip-health: new instances count as soon as they run. It is written as if the file said so: the next deployment without the flag
// brings back what the file says. Pure.
import type { Manifest, ManifestObject } from '../apply/manifest.ts';
import { overlaid } from '../apply/merge.ts';
import { isService } from '../file-options.ts';
import type { Project } from '../project/read-project.ts';

const UNWATCHED = { spec: { updateStrategy: { monitorPeriod: '0s' } } };

export function withoutMonitoring(project: Project): Project {
  const change = (manifest: Manifest): Manifest =>
    isService(manifest)
      ? { ...manifest, object: overlaid<ManifestObject>(manifest.object, UNWATCHED) }
      : manifest;
  return { ...project, manifests: project.manifests.map(change) };
}
