// From the type and settings of an InfraProvider to the provider.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { DockerDriver } from './docker/docker-driver.ts';
import type { NodeLimits } from './each-node.ts';
import { GivenMachines } from './given-machines.ts';
import { HetznerDriver } from './hetzner/hetzner-driver.ts';
import type { InfraDriver } from './infra-driver.ts';
import { LabelledProvider } from './labelled-provider.ts';
import { LocalDriver } from './local/local-driver.ts';
import { OmniDriver } from './omni/omni-driver.ts';
import type { Provider } from './provider.ts';
import { SimWorld } from './sim/sim-world.ts';
import { UnavailableDriver } from './unavailable-driver.ts';

export type ProviderType = 'Docker' | 'Local' | 'Hetzner' | 'Omni' | 'SSH' | 'Sim';

export interface ProviderSpec {
  /** Tells simulated infrastructures apart: `namespace/name`. */
  readonly name: string;
  readonly type: ProviderType;
  readonly endpoint?: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly labelScheme: string;
  readonly adoptedClusters: readonly string[];
  readonly limits: NodeLimits;
  /** From a Secret; in no message. */
  readonly credentials?: string;
}

/** What providers need of the process they are in. */
export interface ProviderParts {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Simulated infrastructures live as long as this map. */
  readonly simWorlds: Map<string, SimWorld>;
}

/** Asks nothing of the other side yet. @throws InvalidRequest naming the setting. Error for an endpoint of unknown form */
export function openProvider(spec: ProviderSpec, parts: ProviderParts): Provider {
  const { limits, labelScheme, adoptedClusters } = spec;
  return new LabelledProvider({
    driver: driverOf(spec, parts),
    clock: parts.clock,
    limits,
    labelScheme,
    adoptedClusters,
  });
}

function driverOf(spec: ProviderSpec, { clock, ids, simWorlds }: ProviderParts): InfraDriver {
  const { settings, endpoint } = spec;
  const where = endpoint === undefined ? {} : { endpoint };
  switch (spec.type) {
    case 'Docker':
      return new DockerDriver({ ...where, settings, clock });
    case 'Local':
      return new LocalDriver({ settings, clock, ids });
    case 'SSH':
      return new GivenMachines();
    case 'Sim': {
      const world = simWorlds.get(spec.name) ?? new SimWorld();
      simWorlds.set(spec.name, world);
      return world;
    }
    case 'Hetzner':
      return spec.credentials === undefined
        ? new UnavailableDriver('hetzner', 'spec.credentialsSecretRef is missing')
        : new HetznerDriver({ ...where, token: spec.credentials, settings, clock });
    case 'Omni':
      return new OmniDriver({ endpoint, credentials: spec.credentials, settings, clock });
  }
}
