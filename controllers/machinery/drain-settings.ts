// How a node is to be emptied, as Clusters and Machines say it, and as it is handed from one to the other. Pure.
import { parseDuration } from './duration.ts';

export interface DrainSettings {
  /** true */
  readonly enabled?: boolean;
  /** 5m */
  readonly timeout?: string;
  /** How long each Pod has to stop; absent: as it asks for itself. */
  readonly gracePeriod?: string;
  /** `Force` deletes what budgets held until then. `Fail` */
  readonly onTimeout?: 'Fail' | 'Force';
  readonly podSelector?: string;
}

const TIMEOUT = '5m';

export function drainTimeout({ timeout = TIMEOUT }: DrainSettings): {
  readonly text: string;
  readonly ms: number;
} {
  const ms = parseDuration(timeout);
  return ms === undefined ? { text: TIMEOUT, ms: 300_000 } : { text: timeout, ms };
}

/** JSON of them. A Cluster writes it, but anybody may have: what is none of them is left out. */
export function readDrainSettings(text: string | undefined): DrainSettings {
  const { enabled, timeout, gracePeriod, onTimeout, podSelector } = fieldsOf(text);
  return {
    ...(typeof enabled === 'boolean' ? { enabled } : {}),
    ...(typeof timeout === 'string' ? { timeout } : {}),
    ...(typeof gracePeriod === 'string' ? { gracePeriod } : {}),
    ...(onTimeout === 'Fail' || onTimeout === 'Force' ? { onTimeout } : {}),
    ...(typeof podSelector === 'string' ? { podSelector } : {}),
  };
}

function fieldsOf(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
