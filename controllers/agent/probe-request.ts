// Asks a container once: an HTTP GET, a TCP connection or a command. Never throws: what goes wrong is the answer.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { V1HTTPGetAction, V1Probe } from '@kubernetes/client-node';
import type { ContainerStatus, Endpoint, ExecResult } from '../runtimes/runtime.ts';
import type { Container } from './pod.ts';

export interface ProbeOutcome {
  readonly success: boolean;
  /** For people; after upstream's wording. */
  readonly message: string;
}

export interface ProbeTarget {
  readonly container: Container;
  readonly status: ContainerStatus;
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<ExecResult>;
}

const success: ProbeOutcome = { success: true, message: '' };
const failure = (message: string): ProbeOutcome => ({ success: false, message });

/** What to say of a probe that cannot be asked here at all. */
export function unsupportedProbe(probe: V1Probe): ProbeOutcome | undefined {
  if (probe.grpc !== undefined) {
    return failure('gRPC probes are not supported yet: use httpGet, tcpSocket or exec');
  }
  const known = probe.exec ?? probe.httpGet ?? probe.tcpSocket;
  return known === undefined
    ? failure('the probe names no action: set httpGet, tcpSocket or exec')
    : undefined;
}

export async function askProbe(
  probe: V1Probe,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  try {
    if (probe.exec !== undefined) return await askExec(probe.exec.command ?? [], target, timeoutMs);
    if (probe.httpGet !== undefined) return await askHTTP(probe.httpGet, target, timeoutMs);
    const { port = 0, host } = probe.tcpSocket ?? {};
    return await askTCP(endpointOf(port, host, target), timeoutMs);
  } catch (error) {
    return failure((error as Error).message);
  }
}

/** Where a port (number or name) of a container is reached. @throws Error naming an unknown port name */
export function endpointOf(
  port: number | string,
  asked: string | undefined,
  target: Pick<ProbeTarget, 'container' | 'status'>,
): Endpoint {
  const declared = (target.container.ports ?? []).find(({ name }) => name === port);
  const number = declared?.containerPort ?? Number(port);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(
      `container ${target.container.name} declares no port named ${JSON.stringify(port)}`,
    );
  }
  // A host of its own means a port of its own: nothing of this container.
  if (asked !== undefined && asked !== '') return { host: asked, port: number };
  const [host = '127.0.0.1'] = target.status.podIPs;
  return target.status.endpoints.get(number) ?? { host, port: number };
}

async function askExec(
  command: readonly string[],
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const result = await target.exec(command, timeoutMs);
  if (result.timedOut)
    return failure(`command ${JSON.stringify(command)} timed out after ${timeoutMs / 1000}s`);
  return result.exitCode === 0
    ? success
    : failure(
        `command ${JSON.stringify(command)} exited with ${result.exitCode}: ${result.output.trim()}`,
      );
}

export function askHTTP(
  action: V1HTTPGetAction,
  target: Pick<ProbeTarget, 'container' | 'status'>,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const endpoint = endpointOf(action.port, action.host, target);
  const scheme = action.scheme?.toUpperCase() === 'HTTPS' ? 'https' : 'http';
  const path = action.path ?? '/';
  const url = `${scheme}://${endpoint.host}:${endpoint.port}${path.startsWith('/') ? '' : '/'}${path}`;
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/windlass', accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const send = scheme === 'https' ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const request = send(
      url,
      // Certificates are not checked, as upstream: the probe asks whether it answers, not who.
      { headers, agent: false, rejectUnauthorized: false, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        response.resume();
        const code = response.statusCode ?? 0;
        // Redirects count as alive; they are not followed.
        if (code >= 200 && code < 400) resolve(success);
        else resolve(failure(`HTTP probe failed with statuscode: ${code}`));
        request.destroy();
      },
    );
    request.on('error', (error) => {
      const timedOut = error.name === 'TimeoutError' || error.name === 'AbortError';
      const why = timedOut ? `no answer within ${timeoutMs / 1000}s` : error.message;
      resolve(failure(`Get "${url}": ${why}`));
    });
    request.end();
  });
}

function askTCP(endpoint: Endpoint, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect(endpoint.port, endpoint.host);
    const finish = (outcome: ProbeOutcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(timeoutMs, () =>
      finish(failure(`dial tcp ${endpoint.host}:${endpoint.port}: timed out`)),
    );
    socket.once('connect', () => finish(success));
    socket.once('error', (error) => finish(failure(error.message)));
  });
}
