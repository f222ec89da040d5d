// Brings images to the Engine, after the pull policy of the container.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { Clock } from '#platform/clock.ts';
import { codeOf, ignoreMissing, reasonOf } from './docker-connection.ts';
import { PullMeter } from './docker-pull-meter.ts';
import { StartError } from './runtime.ts';
import type { ImageRequest, PreparedImage, RegistryCredentials } from './runtime.ts';

/** Without a word from the registry for this long a pull is given up; the next attempt goes on with the layers that are there. */
const SILENCE_LIMIT_MS = 120_000;

/** @throws StartError ErrImagePull with the registry's words, or ErrImageNeverPull */
export async function prepareImage(
  docker: Docker,
  request: ImageRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<PreparedImage> {
  const { image, pullPolicy } = request;
  const present = await find(docker, image);
  if (pullPolicy === 'IfNotPresent' && present !== undefined) return present;
  if (pullPolicy === 'Never') {
    if (present !== undefined) return present;
    throw new StartError(
      'ErrImageNeverPull',
      `Image ${image} is not on this machine and imagePullPolicy is Never: load it, or allow pulling`,
    );
  }
  const startedAt = clock.monotonic();
  // Under another name, perhaps.
  const before = new Set((await docker.listImages()).map(({ Id }) => Id));
  request.pulling();
  try {
    await pullWithLogins(docker, request, clock, signal);
    const pulled = await find(docker, image);
    if (pulled === undefined) throw new Error('it was removed at once');
    const isNew = !before.has(pulled.imageID);
    return { ...pulled, isNew, pulledMs: clock.monotonic() - startedAt };
  } catch (error) {
    signal.throwIfAborted();
    throw new StartError(
      'ErrImagePull',
      `Cannot pull image ${image}: ${reasonOf(error)}; check its name and the access to its registry, or load it and set imagePullPolicy IfNotPresent`,
      error,
    );
  }
}

async function find(docker: Docker, image: string): Promise<PreparedImage | undefined> {
  const info = await docker.getImage(image).inspect().catch(ignoreMissing);
  return info === undefined
    ? undefined
    : { imageID: info.Id, sizeBytes: info.Size, pulledMs: undefined, isNew: false };
}

/** One login after the other, as upstream; without any the registry is asked as anybody. */
async function pullWithLogins(
  docker: Docker,
  request: ImageRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const logins: readonly (RegistryCredentials | undefined)[] = await request.logins();
  let refusal: unknown;
  for (const login of logins.length === 0 ? [undefined] : logins) {
    try {
      await pull(docker, request, login, clock, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      refusal = error;
      if (!isRefusal(error)) throw error;
    }
  }
  throw refusal;
}

/** Registries say both for what somebody may not see. */
function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code === 401 ||
    code === 403 ||
    code === 404 ||
    /denied|unauthori|basic auth/i.test(reasonOf(error))
  );
}

async function pull(
  docker: Docker,
  { image, progress }: ImageRequest,
  login: RegistryCredentials | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const silence = new AbortController();
  const stop = AbortSignal.any([signal, silence.signal]);
  const expect = (): (() => void) =>
    clock.schedule(SILENCE_LIMIT_MS, () =>
      silence.abort(new Error(`nothing came for ${SILENCE_LIMIT_MS / 1000} s`)),
    );
  let cancel = expect();
  try {
    const stream = (await docker.pull(withTag(image), {
      ...(login === undefined ? {} : { authconfig: authOf(login) }),
      abortSignal: stop,
    })) as Readable;
    // The client leaves a stream that it gave up open-ended.
    stop.addEventListener('abort', () => stream.destroy(stop.reason as Error), { once: true });
    const meter = new PullMeter();
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      cancel();
      cancel = expect();
      const refusal = meter.take(line);
      if (refusal !== undefined) throw new Error(refusal);
      progress(meter.progress);
    }
    stop.throwIfAborted();
  } catch (error) {
    throw stop.aborted ? stop.reason : error;
  } finally {
    cancel();
  }
}

function authOf(login: RegistryCredentials): Docker.AuthConfig {
  return {
    serveraddress: login.server,
    username: login.username,
    password: login.password,
    ...(login.identityToken === undefined ? {} : { identitytoken: login.identityToken }),
    ...(login.registryToken === undefined ? {} : { registrytoken: login.registryToken }),
  };
}

/** Without a tag the Engine would pull all of them; beside a digest it says nothing. */
function withTag(image: string): string {
  const [name = '', digest] = image.split('@');
  const hasTag = (name.split('/').at(-1) ?? '').includes(':');
  if (digest !== undefined)
    return `${hasTag ? name.slice(0, name.lastIndexOf(':')) : name}@${digest}`;
  return hasTag ? name : `${name}:latest`;
}
