// The ConfigMap that holds the content of a service's configs. It never changes: other content gets another one. Pure.
import { controllerReference } from '../machinery/owner-references.ts';
import { SERVICES } from '../machinery/resources.ts';
import { configMapName } from './render.ts';
import { SERVICE_LABEL } from './types.ts';
import type { Service, ServiceConfig } from './types.ts';

/** @returns `undefined` without configs */
export function buildConfigMap(
  service: Service,
  configs: readonly ServiceConfig[],
): object | undefined {
  if (configs.length === 0) return undefined;
  const { name, namespace } = service.metadata;
  const texts = configs.flatMap(({ name: key, content }) =>
    content === undefined ? [] : [[key, content] as const],
  );
  const binaries = configs.flatMap(({ name: key, binaryContent }) =>
    binaryContent === undefined ? [] : [[key, binaryContent] as const],
  );
  return {
    metadata: {
      name: configMapName(name, configs),
      namespace,
      labels: { [SERVICE_LABEL]: name },
      ownerReferences: [controllerReference(SERVICES, service)],
    },
    immutable: true,
    data: Object.fromEntries(texts),
    binaryData: Object.fromEntries(binaries),
  };
}
