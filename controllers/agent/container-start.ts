// Starts one attempt of a container: everything from what it refers to until its postStart hook may run.
import type { ContainerStatus } from '../runtimes/runtime.ts';
import { StartError } from '../runtimes/runtime.ts';
import { containerSpec } from './container-spec.ts';
import type { Prepared } from './container-spec.ts';
import type { AgentContext, PodEvents } from './context.ts';
import { pullImage } from './image-pull.ts';
import type { Container, Pod } from './pod.ts';
import { withoutSecrets } from './references.ts';

export interface ContainerStart {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly prepare: () => Promise<Prepared>;
  /** Takes how far it is, for the status. */
  readonly tell: (message: string) => void;
}

/** @throws StartError whose message shows no Secret; the signal's reason when it aborts */
export async function startContainer(
  context: AgentContext,
  { pod, container, attempt, prepare, tell }: ContainerStart,
  signal: AbortSignal,
): Promise<ContainerStatus> {
  const { runtime, events, metrics, hostIP, folderOf } = context;
  let prepared: Prepared | undefined;
  try {
    prepared = await prepare();
    const folder = folderOf(pod.metadata.uid);
    const input = { pod: prepared.pod, container, prepared, attempt, hostIP, folder, runtime };
    const spec = await containerSpec(input);
    await pullImage(context, pod, container, tell, signal);
    signal.throwIfAborted();
    const ignored = attempt === 0 ? runtime.ignores(spec) : [];
    if (ignored.length > 0) {
      events.warning(
        pod,
        'NotSupported',
        `Container ${container.name} runs without what the ${runtime.name} runtime cannot give: ${ignored.join(', ')}`,
      );
    }
    const status = await runtime.run(spec, signal);
    metrics.startedContainers.inc();
    events.normal(pod, 'Created', `Created container: ${container.name}`);
    events.normal(pod, 'Started', `Started container ${container.name}`);
    return status;
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof StartError ? error.reason : 'RunContainerError';
    const { message } = error as Error;
    // It goes to everybody who may read Pods and Events.
    const shown = prepared === undefined ? message : withoutSecrets(message, prepared.references);
    throw new StartError(reason, shown, error);
  }
}

/** Upstream has words of its own for some; the others are just Failed. */
export function eventReason({ reason }: StartError): string {
  if (reason === 'CreatePodSandboxError') return 'FailedCreatePodSandBox';
  return reason === 'FailedMount' ? reason : 'Failed';
}

/** In upstream's words: what crashes, and images that cannot be pulled. */
export function tellBackOff(
  events: PodEvents,
  pod: Pod,
  { image = '' }: Container,
  { reason, message = '' }: { readonly reason: string; readonly message?: string },
): void {
  if (reason === 'CrashLoopBackOff') events.warning(pod, 'BackOff', message);
  if (reason === 'ImagePullBackOff')
    events.normal(pod, 'BackOff', `Back-off pulling image "${image}"`);
}
