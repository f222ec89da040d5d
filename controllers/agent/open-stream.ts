// Finds the container that a session is about, and what answers it. The words of the refusals are the kubelet's where it has some.
import type { ContainerStatus, Runtime } from '../runtimes/runtime.ts';
import { commandService } from './command-session.ts';
import { portForwardService } from './port-forward-session.ts';
import { SessionError } from './session-request.ts';
import type { StreamRequest } from './session-request.ts';
import type { StreamService } from './stream-service.ts';

/** @throws SessionError when there is no such container or it does not run */
export async function openStream(
  runtime: Pick<Runtime, 'list' | 'sessions'>,
  request: StreamRequest,
): Promise<StreamService> {
  const { uid, container, stream } = request;
  const ofPod = (await runtime.list()).filter(({ identity }) => identity.podUID === uid);
  if (stream === 'portforward') return forwardTo(runtime, request.pod, ofPod.filter(isRunning));
  const [found] = ofPod
    .filter(({ identity }) => identity.container === container)
    .toSorted((a, b) => b.identity.attempt - a.identity.attempt);
  if (found === undefined)
    throw new SessionError(404, 'NotFound', `container not found ("${container}")`);
  if (found.state.state === 'exited') {
    const { exitCode, reason } = found.state;
    const how = exitCode === undefined ? reason : `${reason}, exit code ${exitCode}`;
    throw new SessionError(
      400,
      'BadRequest',
      `container "${container}" in pod "${request.pod}" is not running: it has ended (${how})`,
    );
  }
  return commandService((size) =>
    request.stream === 'exec'
      ? runtime.sessions.exec(found.id, { ...request.options, ...(size ? { size } : {}) })
      : runtime.sessions.attach(found.id, request.options),
  );
}

function isRunning({ state }: ContainerStatus): boolean {
  return state.state === 'running';
}

/** A port of whichever container has it. */
function forwardTo(
  { sessions }: Pick<Runtime, 'sessions'>,
  pod: string,
  containers: readonly ContainerStatus[],
): StreamService {
  if (containers.length === 0)
    throw new SessionError(
      400,
      'BadRequest',
      `unable to forward port because pod is not running: no container of pod "${pod}" runs`,
    );
  return portForwardService(async (port) => {
    const declared = containers.find(({ endpoints }) => endpoints.has(port));
    const problems: Error[] = [];
    for (const { id } of declared === undefined ? containers : [declared]) {
      try {
        return await sessions.endpoint(id, port);
      } catch (error) {
        problems.push(error as Error);
      }
    }
    throw problems[0] ?? new Error(`pod "${pod}" has no port ${port}`);
  });
}
