// Finds out which bytes the images of a revision stand for, once, before its first instance is made; and again when somebody asks.
import type { Client } from '../machinery/client-types.ts';
import type { DigestResolver, ImageAnswer, NodeImages } from '../machinery/digest-resolver.ts';
import { runsImages } from '../machinery/image-holders.ts';
import { createRevision } from './create-revision.ts';
import { repinnedHash } from './described-revision.ts';
import {
  areSameDigests,
  digestAnnotations,
  digestsFrom,
  digestsOf,
  IMAGE_DIGESTS_ANNOTATION,
  imagesOfService,
  isLookupAsked,
  isPullAsked,
  pullSecretNames,
} from './image-digests.ts';
import { CONTROLLER_REVISIONS } from '../machinery/resources.ts';
import { newestNumber, newRevision, reactivation } from './revision.ts';
import type { ControllerRevision } from './revision.ts';
import type { Service } from './types.ts';

export interface PinOptions {
  readonly client: Client;
  readonly resolver: DigestResolver;
  readonly service: Service;
  /** What the spec describes. */
  readonly revision: ControllerRevision;
  readonly revisions: readonly ControllerRevision[];
  readonly nodes: readonly NodeImages[];
  /** Some instance of the revision was made already. */
  readonly isInUse: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Told of each image that stays unpinned. */
  readonly tell: (answer: ImageAnswer) => void;
}

/** @returns the revision to roll out: the same one, with its digests, or a new one when a tag has moved */
export async function pinImages(
  options: PinOptions,
  signal: AbortSignal,
): Promise<ControllerRevision> {
  const { service, revision, nodes, isInUse } = options;
  const isPinned = revision.metadata.annotations?.[IMAGE_DIGESTS_ANNOTATION] !== undefined;
  const isAsked = isLookupAsked(service, revision);
  // Which machines there are says whether images matter at all; what runs unpinned goes on so.
  if (!nodes.some(runsImages) || (!isAsked && (isPinned || isInUse))) return revision;
  const template = revision.data?.spec?.template ?? service.spec.template;
  const spec = { ...service.spec, template };
  const questions = imagesOfService({ spec }, isAsked && isPullAsked(service));
  const answers = await options.resolver.resolve(
    {
      images: questions,
      namespace: service.metadata.namespace ?? '',
      pullSecrets: pullSecretNames(template),
      nodes,
      fresh: isAsked,
    },
    signal,
  );
  for (const answer of answers) if (answer.digest === undefined) options.tell(answer);
  const before = digestsOf(revision);
  const digests = digestsFrom(answers, before);
  const mustAnswer = new Set(
    questions.filter(({ policy }) => policy === 'Always').map(({ image }) => image),
  );
  const unresolved = new Map(
    answers.flatMap(({ image, digest, reason }) =>
      digest === undefined && mustAnswer.has(image) ? [[image, reason] as const] : [],
    ),
  );
  const annotations = digestAnnotations(service, digests, unresolved);
  const { client } = options;
  if (isAsked && isInUse && !areSameDigests(before, digests)) {
    const data = { ...revision.data?.spec, template };
    const number = newestNumber(options.revisions) + 1;
    const object = newRevision(service, data, repinnedHash(data, digests), number, options.now);
    const made = await createRevision(
      client,
      service,
      {
        ...object,
        metadata: {
          ...object.metadata,
          annotations: { ...object.metadata.annotations, ...annotations },
        },
      },
      signal,
    );
    if (made.revision >= number) return made;
    // The tag has moved back to where it was once.
    return write(client, made, reactivation(number, options.now, annotations), signal);
  }
  return write(client, revision, { metadata: { annotations } }, signal);
}

function write(
  client: Client,
  { metadata: { namespace = '', name } }: ControllerRevision,
  patch: object,
  signal: AbortSignal,
): Promise<ControllerRevision> {
  return client.patch(CONTROLLER_REVISIONS, namespace, name, '', 'merge', patch, signal);
}
