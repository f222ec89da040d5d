// Has the image of a container brought to this machine, and tells how that goes: events in upstream's words, progress now and then.
import { loginAddress } from '../machinery/docker-config.ts';
import { ImageReferenceError, parseImageReference } from '../machinery/image-reference.ts';
import type { ImageReference } from '../machinery/image-reference.ts';
import { StartError } from '../runtimes/runtime.ts';
import type { ImageRequest, PreparedImage, PullProgress } from '../runtimes/runtime.ts';
import { pullPolicy } from './container-spec.ts';
import type { AgentContext } from './context.ts';
import type { Container, Pod } from './pod.ts';

/** Of the waiting message in the Pod's status, which each time is a write. */
const TELL_EVERY_MS = 5_000;
/** Of events. */
const EVENT_EVERY_MS = 30_000;

/** @param tell takes a sentence for the status. @throws StartError */
export async function pullImage(
  context: AgentContext,
  pod: Pod,
  container: Container,
  tell: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { runtime, events, metrics, clock } = context;
  if (runtime.prepareImage === undefined) return;
  const image = container.image ?? '';
  const reference = referenceOf(container);
  const quoted = JSON.stringify(image);
  let toldAt = clock.monotonic();
  let eventAt = toldAt;
  const request: ImageRequest = {
    image,
    pullPolicy: pullPolicy(container),
    logins: () => loginsFor(context, pod, reference, signal),
    pulling: () => {
      events.normal(pod, 'Pulling', `Pulling image ${quoted}`);
      tell(`pulling image ${image}`);
    },
    progress: (progress) => {
      const now = clock.monotonic();
      if (now - toldAt < TELL_EVERY_MS) return;
      toldAt = now;
      const words = `pulling image ${image}: ${progressText(progress)}`;
      tell(words);
      if (now - eventAt < EVENT_EVERY_MS) return;
      eventAt = now;
      events.normal(pod, 'Pulling', `P${words.slice(1)}`);
    },
  };
  try {
    const prepared = await runtime.prepareImage(request, signal);
    if (prepared.isNew) await context.imageCame(prepared.imageID, image);
    report(context, pod, quoted, prepared);
  } catch (error) {
    if (error instanceof StartError && error.reason === 'ErrImagePull') metrics.pullErrors.inc();
    throw error;
  }
}

function report(
  { events, metrics }: AgentContext,
  pod: Pod,
  quoted: string,
  { pulledMs, sizeBytes }: PreparedImage,
): void {
  if (pulledMs === undefined) {
    events.normal(pod, 'Pulled', `Container image ${quoted} already present on machine`);
    return;
  }
  const seconds = pulledMs / 1000;
  metrics.imagePull.observe({}, seconds);
  events.normal(
    pod,
    'Pulled',
    `Successfully pulled image ${quoted} in ${seconds.toFixed(1)}s. Image size: ${sizeBytes} bytes.`,
  );
}

function referenceOf(container: Container): ImageReference {
  const { name, image = '' } = container;
  if (image === '')
    throw new StartError('InvalidImageName', `Container ${name} names no image: set image`);
  try {
    return parseImageReference(image);
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    throw new StartError('InvalidImageName', `Container ${name}: ${error.message}`, error);
  }
}

async function loginsFor(
  { findLogins }: AgentContext,
  pod: Pod,
  reference: ImageReference,
  signal: AbortSignal,
): ReturnType<ImageRequest['logins']> {
  const secrets = {
    namespace: pod.metadata.namespace ?? 'default',
    names: (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []),
  };
  const server = loginAddress(reference.domain);
  return (await findLogins(reference, secrets, signal)).map((login) => ({ ...login, server }));
}

/** `45 %, 12 of 27 MB, 3 of 5 layers` */
function progressText({ bytes, bytesDone, layers, layersDone }: PullProgress): string {
  const megabytes = (count: number): string => String(Math.round(count / 1_000_000));
  const share = bytes === 0 ? 0 : Math.floor((bytesDone / bytes) * 100);
  return `${share} %, ${megabytes(bytesDone)} of ${megabytes(bytes)} MB, ${layersDone} of ${layers} layers`;
}
