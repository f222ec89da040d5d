// Start the new instance first, or stop the old one first? Pure. The automatic rule is uncloud's: two instances that need the same
// host port or, where there is only one, the same named volume cannot run side by side.
import type { PodTemplate } from './types.ts';
import type { Settings } from './settings.ts';

export type ReplaceOrder = 'start-first' | 'stop-first';

export interface OrderDecision {
  readonly order: ReplaceOrder;
  /** `undefined` when nothing asks for anything but the usual. */
  readonly reason: string | undefined;
}

export interface HostPort {
  readonly port: number;
  readonly protocol: string;
  /** '' means all addresses. */
  readonly ip: string;
}

export function decideOrder(
  settings: Pick<Settings, 'type' | 'order' | 'mode' | 'replicas'>,
  oldTemplate: PodTemplate | undefined,
  newTemplate: PodTemplate,
): OrderDecision {
  if (settings.type === 'Recreate') {
    return { order: 'stop-first', reason: 'updateStrategy.type is Recreate' };
  }
  if (settings.order === 'StartFirst') {
    return { order: 'start-first', reason: 'updateStrategy.order is StartFirst' };
  }
  if (settings.order === 'StopFirst') {
    return { order: 'stop-first', reason: 'updateStrategy.order is StopFirst' };
  }
  const clash = hostPortClash(
    oldTemplate === undefined ? [] : hostPortsOf(oldTemplate),
    hostPortsOf(newTemplate),
  );
  if (clash !== undefined) {
    return {
      order: 'stop-first',
      reason: `host port ${clash.port}/${clash.protocol} cannot be held by two instances`,
    };
  }
  const volume = namedVolumeOf(newTemplate);
  if (settings.mode === 'Replicated' && settings.replicas <= 1 && volume !== undefined) {
    return { order: 'stop-first', reason: `volume ${volume} may have one writer only` };
  }
  if (settings.mode === 'Global' && volume !== undefined) {
    return { order: 'stop-first', reason: `volume ${volume} may have one writer per node only` };
  }
  return { order: 'start-first', reason: undefined };
}

export function hostPortsOf(template: PodTemplate): readonly HostPort[] {
  const ports: HostPort[] = [];
  const hostNetwork = template.spec.hostNetwork === true;
  for (const container of [...(template.spec.initContainers ?? []), ...template.spec.containers]) {
    for (const { hostPort, containerPort, protocol = 'TCP', hostIP = '' } of container.ports ??
      []) {
      const port = hostPort ?? (hostNetwork ? containerPort : undefined);
      if (port === undefined || port === 0) continue;
      ports.push({ port, protocol, ip: hostIP === '0.0.0.0' || hostIP === '::' ? '' : hostIP });
    }
  }
  return ports;
}

/** The first port of `wanted` that is taken by `held`. */
export function hostPortClash(
  held: readonly HostPort[],
  wanted: readonly HostPort[],
): HostPort | undefined {
  return wanted.find((want) =>
    held.some(
      (have) =>
        have.port === want.port &&
        have.protocol === want.protocol &&
        (have.ip === want.ip || have.ip === '' || want.ip === ''),
    ),
  );
}

/** A claim that a container really mounts; host paths and emptyDirs do not count. */
function namedVolumeOf(template: PodTemplate): string | undefined {
  const claims = (template.spec.volumes ?? []).filter(
    ({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined,
  );
  const mounted = new Set(
    template.spec.containers.flatMap(({ volumeMounts }) =>
      (volumeMounts ?? []).map(({ name }) => name),
    ),
  );
  return claims.find(({ name }) => mounted.has(name))?.name;
}
