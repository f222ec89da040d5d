// The recorded objects of `windlass plan --state`: what `kubectl get nodes,pods,pvc,controllerrevisions,services.windlass.dev -o json`
// prints. A file that people edit, so what the planner reads is checked here; other kinds are passed over. Pure.
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { NodeObject } from '#controllers/machinery/node-fit.ts';
import type { Claim } from '#controllers/service/claims.ts';
import type { Pod } from '#controllers/service/instance.ts';
import type { ControllerRevision } from '#controllers/service/revision.ts';
import type { Service } from '#controllers/service/types.ts';
import { ManifestError } from '../apply/manifest.ts';
import type { Manifest } from '../apply/manifest.ts';
import { isService } from '../file-options.ts';
import type { World } from './preview.ts';
import { checkLists, checkServiceShape } from './recorded-shape.ts';

export interface RecordedState extends World {
  /** When it was recorded, as far as its newest timestamp tells: milliseconds since the epoch. So a plan is the same whenever made. */
  readonly recordedAt: number;
}

/** @throws ManifestError naming the object and the field that cannot be used */
export function recordedState(manifests: readonly Manifest[]): RecordedState {
  const nodes: (ApiObject & NodeObject)[] = [];
  const pods: Pod[] = [];
  const revisions: ControllerRevision[] = [];
  const services: Service[] = [];
  const claims: Claim[] = [];
  const secretVersions = new Map<string, string>();
  for (const manifest of manifests) {
    const object = recorded(manifest);
    if (isService(manifest)) {
      checkServiceShape(manifest);
      services.push(object as Service);
      continue;
    }
    switch (`${manifest.object.apiVersion} ${manifest.object.kind}`) {
      case 'v1 Node':
        checkLists(manifest, ['spec.taints', 'status.conditions']);
        nodes.push(object);
        break;
      case 'v1 Pod':
        checkLists(manifest, ['spec.containers', 'spec.initContainers', 'status.conditions']);
        checkLists(manifest, ['status.containerStatuses', 'status.initContainerStatuses']);
        if (!hasField(object, 'spec', 'containers'))
          throw new ManifestError(manifest, 'spec.containers is missing');
        pods.push(object as Pod);
        break;
      case 'v1 PersistentVolumeClaim':
        claims.push(object);
        break;
      case 'v1 Secret': {
        const { name, uid, resourceVersion } = object.metadata;
        secretVersions.set(name, `${uid}/${resourceVersion}`);
        break;
      }
      case 'apps/v1 ControllerRevision': {
        const revision = object as ControllerRevision;
        if (typeof revision.revision !== 'number')
          throw new ManifestError(manifest, 'revision must be a number');
        checkLists(manifest, ['data.spec.template.spec.containers']);
        revisions.push(revision);
        break;
      }
      default:
    }
  }
  const recordedAt = newestTime(manifests);
  return { nodes, pods, revisions, services, claims, secretVersions, recordedAt };
}

/** With what the server gives every object; the uid of one that lacks it is made of its name. */
function recorded(manifest: Manifest): ApiObject {
  checkLists(manifest, ['metadata.ownerReferences']);
  const { kind, metadata } = manifest.object;
  const { namespace = 'default', name } = metadata;
  return {
    ...manifest.object,
    metadata: {
      uid: `${kind}/${namespace}/${name}`,
      resourceVersion: '',
      creationTimestamp: '',
      ...metadata,
    },
  };
}

function hasField(object: object, ...path: readonly string[]): boolean {
  let value: unknown = object;
  for (const field of path) value = (value as Record<string, unknown> | undefined)?.[field];
  return value !== undefined;
}

const TIME = /"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"/g;

function newestTime(manifests: readonly Manifest[]): number {
  let newest = 0;
  for (const { object } of manifests) {
    for (const [text] of JSON.stringify(object).matchAll(TIME)) {
      newest = Math.max(newest, Date.parse(text.slice(1, -1)) || 0);
    }
  }
  return newest;
}
