// Sees to it that an image is on the Engine, after the pull policy of the container.
import type Docker from 'dockerode';
import { StartError } from './runtime.ts';
import type { ContainerSpec } from './runtime.ts';

/** @throws StartError ErrImagePull with the registry's words, or ErrImageNeverPull */
export async function ensureImage(
  docker: Docker,
  { image, imagePullPolicy, identity }: ContainerSpec,
  signal: AbortSignal,
): Promise<void> {
  if (image === '') {
    throw new StartError(
      'InvalidImageName',
      `Container ${identity.container} names no image: set image`,
    );
  }
  const present = await isPresent(docker, image);
  if (imagePullPolicy === 'IfNotPresent' && present) return;
  if (imagePullPolicy === 'Never') {
    if (present) return;
    throw new StartError(
      'ErrImageNeverPull',
      `Image ${image} is not on this machine and imagePullPolicy is Never: load it, or allow pulling`,
    );
  }
  try {
    await pull(docker, image, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { json, message } = error as {
      readonly json?: { readonly message?: string };
      readonly message: string;
    };
    throw new StartError(
      'ErrImagePull',
      `Cannot pull image ${image}: ${json?.message ?? message}; check its name and the access to its registry, or load it and set imagePullPolicy IfNotPresent`,
      error,
    );
  }
}

async function isPresent(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if ((error as { readonly statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

async function pull(docker: Docker, image: string, signal: AbortSignal): Promise<void> {
  // Without a tag the Engine would pull all of them.
  const last = image.split('/').at(-1) ?? '';
  const reference = last.includes(':') || last.includes('@') ? image : `${image}:latest`;
  const progress = await docker.pull(reference, { abortSignal: signal });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}
