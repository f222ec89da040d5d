// Asks a node over its tunnel what it and its containers use.
import { internalError } from '../../api/errors.ts';
import { answerOf } from '../session-answer.ts';
import type { TunnelSession } from '../tunnel-session.ts';

export interface UsageSessionRequest {
  readonly stream: 'usage';
}

export interface Measured {
  /** Milliseconds since the epoch: when the time ended over which was measured. */
  readonly timestamp: number;
  readonly windowMs: number;
  /** Billionths of a processor. */
  readonly cpuNanocores: number;
  readonly memoryBytes: number;
}

export interface ContainerMeasured extends Measured {
  readonly podUID: string;
  readonly container: string;
}

export interface NodeUsage {
  readonly node: Measured;
  readonly containers: readonly ContainerMeasured[];
}

/** What of tunnels.ts is needed here. */
export interface UsageTunnels {
  open(node: string, request: UsageSessionRequest, signal: AbortSignal): Promise<TunnelSession>;
}

/** Some 20,000 containers. */
const ANSWER_LIMIT_BYTES = 4 << 20;

/** @throws ApiError when the node cannot be reached, does not know the question, or answers something else */
export async function askUsage(
  tunnels: UsageTunnels,
  node: string,
  signal: AbortSignal,
): Promise<NodeUsage> {
  const session = await tunnels.open(node, { stream: 'usage' }, signal);
  const close = (): void => session.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    await session.accepted();
    const answer = await answerOf(session, ANSWER_LIMIT_BYTES);
    return parseUsage(answer.toString('utf8'));
  } finally {
    signal.removeEventListener('abort', close);
    session.close();
  }
}

/** A node is not trusted to say what it should. @throws ApiError */
export function parseUsage(text: string): NodeUsage {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw internalError('the node answered with no JSON');
  }
  const { node, containers } = (answer ?? {}) as Partial<NodeUsage>;
  if (!isMeasured(node) || !Array.isArray(containers))
    throw internalError('the node answered with something else than its usage');
  return {
    node,
    containers: containers.filter(
      (one): one is ContainerMeasured =>
        isMeasured(one) && typeof one.podUID === 'string' && typeof one.container === 'string',
    ),
  };
}

function isMeasured(value: unknown): value is Measured & Partial<ContainerMeasured> {
  if (typeof value !== 'object' || value === null) return false;
  const { timestamp, windowMs, cpuNanocores, memoryBytes } = value as Partial<Measured>;
  const numbers = [timestamp, windowMs, cpuNanocores, memoryBytes];
  // Beyond the last there is no date.
  return numbers.every((one) => typeof one === 'number' && one >= 0 && one <= 8.64e15);
}
