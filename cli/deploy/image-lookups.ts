// Waits until the controllers have asked registries for the images of services again, and tells what came of it.
import { Deadline } from '#controllers/machinery/deadline.ts';
import type { Client } from '#controllers/machinery/client-types.ts';
import { canonicalImageText } from '#controllers/machinery/image-reference.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { CONTROLLER_REVISIONS } from '#controllers/machinery/resources.ts';
import {
  digestsOf,
  RESOLVED_FOR_ANNOTATION,
  unresolvedOf,
} from '#controllers/service/image-digests.ts';
import type { ImageDigests } from '#controllers/service/image-digests.ts';
import { hashOf } from '#controllers/service/revision.ts';
import type { ControllerRevision } from '#controllers/service/revision.ts';
import { SERVICE_LABEL } from '#controllers/service/types.ts';
import type { Clock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { CommandError } from '../usage-error.ts';

export interface Lookup {
  readonly namespace: string;
  /** Of the service. */
  readonly name: string;
  /** Full forms of the images. */
  readonly images: readonly string[];
  /** What they stood for; undefined: the template is new. */
  readonly before: ImageDigests | undefined;
}

export interface LookupAnswer extends Lookup {
  /** Hash of the revision that the service stands for now. */
  readonly revision: string;
  readonly digests: ImageDigests;
  /** Image → why its registry did not tell. */
  readonly unresolved: ReadonlyMap<string, string>;
}

export interface LookupOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  /** The service's annotation RESOLVE_IMAGES_ANNOTATION, as it was written. */
  readonly text: string;
  /** How long to wait for all of them, if that is shorter than our patience. */
  readonly timeoutMs: number | undefined;
}

/** Many images of many services may each wait 15 s for a registry that does not answer. */
const PATIENCE_MS = 90_000;

/** @throws CommandError when no controller has answered in time; the signal's reason when that aborts first */
export async function awaitLookups(
  lookups: readonly Lookup[],
  options: LookupOptions,
  signal: AbortSignal,
): Promise<readonly LookupAnswer[]> {
  const names = lookups.map(({ name }) => name).join(', ');
  const patienceMs = Math.min(PATIENCE_MS, options.timeoutMs ?? PATIENCE_MS);
  const late = `nobody has looked up the images of ${names} within ${patienceMs / 1000} s`;
  const deadline = new Deadline(options.clock, patienceMs, late);
  const either = AbortSignal.any([signal, deadline.signal]);
  try {
    return await Promise.all(lookups.map((lookup) => awaitLookup(lookup, options, either)));
  } catch (error) {
    const next = 'The change is stored; windlass up or windlass controllers carries it out.';
    if (signal.aborted) throw new CommandError('stopped waiting', next, { cause: error });
    if (deadline.signal.aborted) throw new CommandError(late, next, { cause: error });
    throw error;
  } finally {
    deadline.end();
  }
}

async function awaitLookup(
  lookup: Lookup,
  { client, clock, random, text }: LookupOptions,
  signal: AbortSignal,
): Promise<LookupAnswer> {
  const { namespace, name } = lookup;
  const ended = new AbortController();
  const revisions = new Informer<ControllerRevision>({
    client,
    clock,
    random,
    logger: silentLogger,
    resource: CONTROLLER_REVISIONS,
    selectors: { namespace, labelSelector: `${SERVICE_LABEL}=${name}` },
  });
  const { promise, resolve, reject } = Promise.withResolvers<ControllerRevision>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    revisions.onChange(({ object }) => {
      if (object.metadata.annotations?.[RESOLVED_FOR_ANNOTATION] === text) resolve(object);
    });
    void revisions.run(AbortSignal.any([signal, ended.signal]));
    const found = await promise;
    return {
      ...lookup,
      revision: hashOf(found),
      digests: digestsOf(found),
      unresolved: unresolvedOf(found),
    };
  } finally {
    signal.removeEventListener('abort', onAbort);
    ended.abort(new Error('it was looked up'));
  }
}

/** Whether every image stands for what it stood for. */
export function isUnmoved({ images, before, digests, unresolved }: LookupAnswer): boolean {
  return (
    before !== undefined &&
    unresolved.size === 0 &&
    images.every((image) => before.get(image) === digests.get(image))
  );
}

/** A line for each image; ends with a newline. */
export function answerText({ images, before, digests, unresolved }: LookupAnswer): string {
  return images
    .map((image) => {
      const name = canonicalImageText(image);
      const why = unresolved.get(image);
      const [old, fresh] = [before?.get(image), digests.get(image)];
      if (why !== undefined)
        return `${name} was not looked up: ${why}${fresh === undefined ? '' : `; it stays ${fresh}`}\n`;
      if (old === fresh) return `${name} has not moved: ${fresh}\n`;
      return old === undefined ? `${name} is ${fresh}\n` : `${name} has moved: ${old} → ${fresh}\n`;
    })
    .join('');
}

/** @throws CommandError for an image that no registry told anything about */
export function throwUnresolved(answers: readonly LookupAnswer[]): void {
  for (const { name, unresolved } of answers) {
    const [first] = unresolved;
    if (first === undefined) continue;
    const [image, why] = first;
    const others = answers.reduce((sum, one) => sum + one.unresolved.size, -1);
    throw new CommandError(
      `image ${canonicalImageText(image)} of service ${name} was not looked up: ${why}${others === 0 ? '' : `; and ${others} more`}`,
      'Instances keep what they run. Deploy again to ask again; imagePullPolicy IfNotPresent does without.',
    );
  }
}
