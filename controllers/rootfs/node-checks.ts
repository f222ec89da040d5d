// Checks of what a node needs to start: its API server, its ports, its own configuration.
import type { HostDriver } from '../hosts/host-driver.ts';
import { redactURL } from '../binaries/redact-url.ts';
import { GoalError } from './goal-state.ts';
import type { NodeGoal } from './goal-state.ts';
import { failure, ok } from './preflight.ts';
import type { Checker, CheckResult } from './preflight.ts';

/** Asks an API server for /readyz; the status, or why nobody answered. */
export type ReadyProbe = (
  url: URL,
  signal: AbortSignal,
) => Promise<{ readonly status: number } | { readonly problem: string }>;

const LABEL_NAME =
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function nodeChecks(
  host: HostDriver,
  node: NodeGoal | undefined,
  {
    probe,
    isRunning,
    credential,
  }: {
    readonly probe: ReadyProbe;
    readonly isRunning: boolean;
    /** Reads what it joins with, and throws where that cannot work; absent: its image knows. */
    readonly credential?: (signal: AbortSignal) => Promise<unknown>;
  },
): readonly Checker[] {
  if (node === undefined) return [];
  return [
    { name: 'api-server-reachable', check: (signal) => apiServer(node, probe, signal) },
    // A machine that runs holds them itself.
    ...(isRunning
      ? []
      : [10_250, 10_257].map((port) => ({
          name: `port-${port}`,
          check: (signal: AbortSignal) => portFree(host, port, signal),
        }))),
    { name: 'kubelet-configuration', check: async () => kubeletConfiguration(node) },
    ...(credential === undefined
      ? []
      : [{ name: 'node-credential', check: (signal: AbortSignal) => usable(credential, signal) }]),
  ];
}

async function apiServer(
  { apiServer: text }: NodeGoal,
  probe: ReadyProbe,
  signal: AbortSignal,
): Promise<readonly Omit<CheckResult, 'name'>[]> {
  if (text === '') return [ok('', 'no API server is given: the image knows its own')];
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return [failure('spec.node.apiServer', 'is no URL such as https://10.0.0.1:6443')];
  const target = redactURL(text);
  const answer = await probe(new URL('/readyz', url), signal);
  if ('problem' in answer) return [failure(target, answer.problem)];
  // 401 and 403 come from a server that lives and wants to know who asks.
  return answer.status < 500
    ? [ok(target, `answers ${answer.status}`)]
    : [failure(target, `answers ${answer.status}: it is not ready`)];
}

async function portFree(
  host: HostDriver,
  port: number,
  signal: AbortSignal,
): Promise<readonly Omit<CheckResult, 'name'>[]> {
  const target = `port ${port}`;
  const command = ['ss', '--listening', '--tcp', '--numeric', '--no-header'];
  const { exitCode, stdout } = await host.exec(command, { signal });
  if (exitCode !== 0) return [ok(target, 'the host has no ss to ask: not looked at')];
  const isTaken = stdout.split('\n').some((line) => line.split(/\s+/)[3]?.endsWith(`:${port}`));
  return [
    isTaken
      ? failure(target, 'is taken on the host, and the machine shares its network')
      : ok(target, 'is free'),
  ];
}

function kubeletConfiguration(node: NodeGoal): readonly Omit<CheckResult, 'name'>[] {
  const wrong = [
    ...Object.entries(node.labels).flatMap(([name, value]) => [
      ...(LABEL_NAME.test(name) ? [] : [`label name ${JSON.stringify(name)}`]),
      ...(LABEL_VALUE.test(value) ? [] : [`value of label ${name}`]),
    ]),
    ...node.taints.flatMap(({ key, effect }) => [
      ...(LABEL_NAME.test(key) ? [] : [`taint key ${JSON.stringify(key)}`]),
      ...(EFFECTS.includes(effect) ? [] : [`effect ${JSON.stringify(effect)} of taint ${key}`]),
    ]),
  ];
  return wrong.length === 0
    ? [ok('spec.node', 'labels and taints are valid')]
    : wrong.map((what) => failure('spec.node', `${what} is not valid`));
}

async function usable(
  credential: (signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<readonly Omit<CheckResult, 'name'>[]> {
  const target = 'spec.node.credentialSecretRef';
  try {
    await credential(signal);
    return [ok(target, 'is there and of a known form')];
  } catch (error) {
    if (!(error instanceof GoalError)) throw error;
    return [failure(target, error.message)];
  }
}
