// Which bytes a revision runs. When a revision is made, the tags of its images are looked up once, and the digests kept with it: so
// all its instances, on every machine and at every later repair, run the same. Pure; controllers/registry does the looking up.
import type { V1Container } from '@kubernetes/client-node';
import type { ImageAnswer, ImageQuestion, PullPolicy } from '../machinery/digest-resolver.ts';
import { fullImage, imageReferenceOf, isDigest } from '../machinery/image-reference.ts';
import type { PodTemplate } from './types.ts';

/** On a ControllerRevision: JSON, `{"docker.io/library/nginx:1.27": "sha256:…"}`. Written when the revision is made. */
export const IMAGE_DIGESTS_ANNOTATION = 'windlass.dev/image-digests';
/** On a Service: any new text, such as the time, has its tags looked up again; a tag that has moved is a new revision. */
export const RESOLVE_IMAGES_ANNOTATION = 'windlass.dev/resolve-images';
/** On a ControllerRevision: the text of RESOLVE_IMAGES_ANNOTATION that its digests answer. */
export const RESOLVED_FOR_ANNOTATION = 'windlass.dev/images-resolved-for';

/** Full form of an image → `sha256:…`. */
export type ImageDigests = ReadonlyMap<string, string>;

/** An object of the API, as far as it counts here. */
interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}

type ContainerImage = Pick<V1Container, 'image' | 'imagePullPolicy'>;

/** Images with tags, each once; of several policies for one image the one that asks most. @param more images of hooks */
export function imagesToResolve(
  template: PodTemplate,
  more: readonly string[] = [],
): readonly ImageQuestion[] {
  const policies = new Map<string, PullPolicy>();
  const containers: readonly ContainerImage[] = [
    ...(template.spec.initContainers ?? []),
    ...template.spec.containers,
    ...more.map((image) => ({ image })),
  ];
  for (const container of containers) {
    const reference = imageReferenceOf(container.image ?? '');
    if (reference === undefined || reference.digest !== undefined) continue;
    const image = fullImage(reference);
    const policy = policyOf(container, reference.tag);
    const known = policies.get(image);
    if (known === undefined || ASKS.indexOf(policy) > ASKS.indexOf(known))
      policies.set(image, policy);
  }
  return [...policies]
    .map(([image, policy]) => ({ image, policy }))
    .toSorted((a, b) => (a.image < b.image ? -1 : 1));
}

const ASKS: readonly PullPolicy[] = ['Never', 'IfNotPresent', 'Always'];

/** Upstream's default: what has no tag, or `latest`, may have moved. */
function policyOf({ imagePullPolicy }: ContainerImage, tag: string | undefined): PullPolicy {
  const given = ASKS.find((policy) => policy === imagePullPolicy);
  return given ?? (tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent');
}

export function pullSecretNames({ spec }: PodTemplate): readonly string[] {
  return (spec.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
}

/** `nginx:1.27` → `nginx:1.27@sha256:…`, for people who read it the tag stays. What is unknown stays as it is. */
export function pinImage(image: string, digests: ImageDigests): string {
  const reference = imageReferenceOf(image);
  if (reference === undefined || reference.digest !== undefined) return image;
  const digest = digests.get(fullImage(reference));
  if (digest === undefined) return image;
  return `${image}${reference.tag === undefined ? ':latest' : ''}@${digest}`;
}

/** The template with its images pinned; the same object when there is nothing to pin. */
export function pinTemplate(template: PodTemplate, digests: ImageDigests): PodTemplate {
  if (digests.size === 0) return template;
  const pin = <C extends { readonly image?: string }>(container: C): C =>
    container.image === undefined
      ? container
      : { ...container, image: pinImage(container.image, digests) };
  // client-node's types are classes, what comes from the wire is plain data.
  const spec: object = template.spec;
  const { initContainers, containers } = template.spec;
  const pinned = {
    ...spec,
    containers: containers.map(pin),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(pin) }),
  };
  return { ...template, spec: pinned };
}

/** What a revision is pinned to. Somebody may have edited it: what is no digest is left out. */
export function digestsOf(revision: Annotated): ImageDigests {
  const text = revision.metadata.annotations?.[IMAGE_DIGESTS_ANNOTATION];
  let value: unknown;
  try {
    value = JSON.parse(text ?? '{}');
  } catch {
    return new Map();
  }
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(
    Object.entries(value).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && isDigest(entry[1]),
    ),
  );
}

/** Annotations of a revision whose images were looked up; sorted, so that the same answers are the same text. */
export function digestAnnotations(
  service: Annotated,
  digests: ImageDigests,
): Readonly<Record<string, string>> {
  const sorted = [...digests].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const asked = service.metadata.annotations?.[RESOLVE_IMAGES_ANNOTATION];
  return {
    [IMAGE_DIGESTS_ANNOTATION]: JSON.stringify(Object.fromEntries(sorted)),
    ...(asked === undefined ? {} : { [RESOLVED_FOR_ANNOTATION]: asked }),
  };
}

/** @param before kept for images that could not be looked up this time: a silent registry unpins nothing */
export function digestsFrom(
  answers: readonly ImageAnswer[],
  before: ImageDigests = new Map(),
): ImageDigests {
  return new Map(
    answers.flatMap(({ image, digest = before.get(image) }) =>
      digest === undefined ? [] : [[image, digest] as const],
    ),
  );
}

/** Whether somebody has asked to look the tags up again since this revision's were. */
export function isLookupAsked(service: Annotated, revision: Annotated): boolean {
  const asked = service.metadata.annotations?.[RESOLVE_IMAGES_ANNOTATION];
  return asked !== undefined && asked !== revision.metadata.annotations?.[RESOLVED_FOR_ANNOTATION];
}

export function areSameDigests(left: ImageDigests, right: ImageDigests): boolean {
  return (
    left.size === right.size && [...left].every(([image, digest]) => right.get(image) === digest)
  );
}
