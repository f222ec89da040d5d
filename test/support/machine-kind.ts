// The Machine kind for tests of who writes Machines: what deploy/crds has, or, where that has none yet, one that takes any spec.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { isAlreadyExists, isNotFound } from '#controllers/machinery/request-error.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, MACHINES } from '#controllers/machinery/resources.ts';
import { eventually } from './eventually.ts';

const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

export async function ensureMachineKind(client: Client, signal: AbortSignal): Promise<void> {
  const names = {
    kind: 'Machine',
    listKind: 'MachineList',
    plural: 'machines',
    singular: 'machine',
  };
  const version = {
    name: 'v1alpha1',
    served: true,
    storage: true,
    subresources: { status: {} },
    schema: { openAPIV3Schema: { type: 'object', properties: { spec: free, status: free } } },
  };
  const definition = {
    metadata: { name: 'machines.windlass.dev' },
    spec: { group: 'windlass.dev', names, scope: 'Namespaced', versions: [version] },
  };
  try {
    await client.create<ApiObject>(CUSTOM_RESOURCE_DEFINITIONS, '', definition, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  await eventually('the server serves Machines', async () => {
    try {
      await client.list(MACHINES, {}, signal);
    } catch (error) {
      if (isNotFound(error)) throw new Error('not yet', { cause: error });
      throw error;
    }
  });
}
