// DELETE of one object. What is gone at once answers Status Success with its uid; what is kept for now (finalizers,
// grace) and the kinds that upstream returns whole answer with the object.
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Status } from '../../api/errors.ts';

import type { Handler } from '../context.ts';
import { parseDeleteRequest } from '../delete-options.ts';
import { negotiateObject } from '../negotiate.ts';
import { readBody } from '../request-body.ts';
import { sendStored, sendValue } from '../send-object.ts';
import type { Services } from '../services.ts';
import { definitionOf, namespaceOf } from './get.ts';

/** Storage keys of kinds whose deletion answers with the deleted object. */
const RETURNS_OBJECT = new Set([
  'core/pods',
  'core/services',
  'core/serviceaccounts',
  'core/persistentvolumes',
  'core/persistentvolumeclaims',
  'core/resourcequotas',
  'core/podtemplates',
  'storage.k8s.io/storageclasses',
  'storage.k8s.io/volumeattachments',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/volumeattributesclasses',
  'resource.k8s.io/deviceclasses',
  'resource.k8s.io/devicetaintrules',
  'resource.k8s.io/resourceclaims',
  'resource.k8s.io/resourceclaimtemplates',
  'resource.k8s.io/resourceslices',
]);

export function deleteHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const representation = negotiateObject(context.request.headers.accept);
    const { options, write } = parseDeleteRequest(context, await readBody(context.request));
    const { name } = context.info;
    const target = { definition, namespace: namespaceOf(context, definition), name };
    const { stored, removed } = await services.registry.delete(target, options, write);
    if (!removed || RETURNS_OBJECT.has(definition.storageKey)) {
      await sendStored(context, 200, definition, stored, services.clock);
    } else {
      await sendValue(context, 200, representation, deletedStatus(definition, name, stored.uid));
    }
  };
}

function deletedStatus(definition: ResourceDefinition, name: string, uid: string): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.resource,
      uid,
    },
  };
}
