// The settings of an InfraProvider of type Docker, and of a node over them. Pure.
import { InvalidRequest } from '../errors.ts';
import type { NodeRequest } from '../provider.ts';

export interface DockerSettings {
  /** Undefined: each node must say its own. */
  readonly image: string | undefined;
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly isPrivileged: boolean;
  /** Before a node that is told to stop is killed. */
  readonly stopGraceSeconds: number;
  /** What the Engine does when a node ends by itself, or the Engine starts: as `docker run --restart`. */
  readonly restartPolicy: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** CIDR of the networks of clusters; undefined: the Engine picks one. */
  readonly subnet: string | undefined;
}

const KNOWN = ['image', 'pullPolicy', 'privileged', 'stopGraceSeconds', 'restartPolicy', 'subnet'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const;
const RESTART_POLICIES = ['no', 'always', 'unless-stopped', 'on-failure'] as const;

/** @throws InvalidRequest naming the setting, what was found and what may be there */
export function dockerSettings(settings: Readonly<Record<string, string>>): DockerSettings {
  const unknown = Object.keys(settings).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined)
    throw new InvalidRequest(
      `settings.${unknown}: no such setting of type Docker: there are ${KNOWN.join(', ')}`,
    );
  const { image, privileged = 'false', stopGraceSeconds = '10', subnet } = settings;
  const seconds = Number(stopGraceSeconds);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 600)
    throw new InvalidRequest(
      `settings.stopGraceSeconds: ${JSON.stringify(stopGraceSeconds)} is no whole number from 0 to 600`,
    );
  return {
    image,
    pullPolicy: oneOf('pullPolicy', settings['pullPolicy'] ?? 'IfNotPresent', PULL_POLICIES),
    isPrivileged: oneOf('privileged', privileged, ['true', 'false']) === 'true',
    stopGraceSeconds: seconds,
    restartPolicy: oneOf(
      'restartPolicy',
      settings['restartPolicy'] ?? 'unless-stopped',
      RESTART_POLICIES,
    ),
    subnet,
  };
}

/** @throws InvalidRequest when neither says an image */
export function imageOf(node: NodeRequest, { image }: DockerSettings): string {
  const chosen = node.image ?? image;
  if (chosen === undefined || chosen === '')
    throw new InvalidRequest(
      `node ${node.name}: no image: set settings.image of the InfraProvider`,
    );
  return chosen;
}

function oneOf<T extends string>(key: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw new InvalidRequest(
    `settings.${key}: ${JSON.stringify(value)} is not one of ${allowed.join(', ')}`,
  );
}
