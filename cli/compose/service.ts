// One service of a Compose file as a Service of windlass.dev.
import type { IngressEntry, ServiceSpec, ServiceVolume } from '#controllers/service/types.ts';
import type { ManifestObject } from '../apply/manifest.ts';
import { ingressEntry } from '../spec/ingress-entry.ts';
import { containerOf, entrypointOf, podFieldsOf } from './container.ts';
import { engineOf } from './engine.ts';
import type { Field } from './field.ts';
import { configsOf, secretsOf } from './files.ts';
import type { ContentSource, DeclaredConfig, DeclaredSecret } from './files.ts';
import { hooksOf } from './hooks.ts';
import { labelsOf } from './labels.ts';
import { placementOf } from './placement.ts';
import { portsOf } from './ports.ts';
import { podSecurityOf } from './security.ts';
import { checkServiceFields } from './service-fields.ts';
import { updateStrategyOf } from './update-strategy.ts';
import { mountsOf } from './volumes.ts';

/** What the file declares beside its services. */
export interface Declared {
  readonly volumes: ReadonlyMap<string, ServiceVolume>;
  readonly configs: ReadonlyMap<string, DeclaredConfig>;
  readonly secrets: ReadonlyMap<string, DeclaredSecret>;
  readonly from: ContentSource;
  readonly clusterDomain: string | undefined;
}

export type ComposeService = ManifestObject & { readonly spec: ServiceSpec };

const MOST_REPLICAS = 2 ** 31 - 1;

/** @param dependsOn services of the file that it waits for */
export function serviceOf(
  service: Field,
  name: string,
  dependsOn: readonly string[],
  declared: Declared,
): ComposeService {
  checkServiceFields(service);
  const { from, secrets } = declared;
  const ports = portsOf(service, name, declared.clusterDomain);
  const mounts = mountsOf(service, declared.volumes);
  const entrypoint = entrypointOf(service);
  const container = containerOf({ service, name, secrets, from, ports, mounts, entrypoint });
  const placement = placementOf(service, name);
  const configs = configsOf(service, declared.configs);
  const fileSecrets = secretsOf(service, secrets);
  const engine = engineOf(service);
  const ingress = ports.published.filter(({ mode }) => mode === 'ingress').map(ingressEntry);
  const updateStrategy = updateStrategyOf(service);
  const hooks = hooksOf(service, entrypoint, from.variables);
  const metadata = labelsOf(service.get('labels'), service.get('annotations'));
  checkIngress(service, ingress);
  const spec: ServiceSpec = {
    ...sizeOf(service),
    template: {
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      spec: {
        ...podFieldsOf(service),
        ...podSecurityOf(service),
        ...placement.pod,
        containers: [container],
        ...(mounts.podVolumes.length === 0 ? {} : { volumes: [...mounts.podVolumes] }),
      },
    },
    ...(placement.nodes.length === 0 ? {} : { placement: { nodes: placement.nodes } }),
    ...(mounts.volumes.length === 0 ? {} : { volumes: mounts.volumes }),
    ...(configs.length === 0 ? {} : { configs }),
    ...(fileSecrets.length === 0 ? {} : { secrets: fileSecrets }),
    ...(engine === undefined ? {} : { engine }),
    ...(ingress.length === 0 ? {} : { ingress }),
    ...(updateStrategy === undefined ? {} : { updateStrategy }),
    ...(hooks === undefined ? {} : { hooks }),
    ...(dependsOn.length === 0 ? {} : { dependsOn }),
  };
  return {
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Service',
    metadata: { name, ...labelsOf(service.get('deploy')?.get('labels')) },
    spec,
  };
}

function sizeOf(service: Field): Pick<ServiceSpec, 'mode' | 'replicas'> {
  const deploy = service.get('deploy');
  const mode = deploy?.get('mode');
  const word = mode?.text() ?? 'replicated';
  if (word === 'replicated-job' || word === 'global-job')
    mode?.fail(`'${word}' is not supported: a service runs until it is removed`);
  if (word !== 'replicated' && word !== 'global')
    mode?.fail(`unsupported deploy mode: '${word}', use replicated or global`);
  const replicas = deploy?.get('replicas') ?? service.get('scale');
  const number = replicas?.integer(0, MOST_REPLICAS);
  if (word !== 'global') return { replicas: number ?? 1 };
  if (number !== undefined) replicas?.warn('ignored: mode global has one instance per node');
  return { mode: 'Global' };
}

function checkIngress(service: Field, ingress: readonly IngressEntry[]): void {
  if (ingress.length > 64) service.fail(`publishes ${ingress.length} ports; 64 is the most`);
}
