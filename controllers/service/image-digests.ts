// Which bytes a revision runs. When a revision is made, the tags of its images are looked up once, and the digests kept with it: so
// all its instances, on every machine and at every later repair, run the same. Pure; controllers/registry does the looking up.
import type { V1Container } from '@kubernetes/client-node';
import { jsonFields } from '#platform/json-fields.ts';
import type { ImageAnswer, ImageQuestion, PullPolicy } from '../machinery/digest-resolver.ts';
import { fullImage, imageReferenceOf, isDigest } from '../machinery/image-reference.ts';
import { microTimestamp } from '../machinery/timestamps.ts';
import type { PodTemplate, Service } from './types.ts';

/** On a ControllerRevision: JSON, `{"docker.io/library/nginx:1.27": "sha256:…"}`. Written when the revision is made. */
export const IMAGE_DIGESTS_ANNOTATION = 'windlass.dev/image-digests';
/** On a Service: any new text, such as the time, has its tags looked up again; a tag that has moved is a new revision. */
export const RESOLVE_IMAGES_ANNOTATION = 'windlass.dev/resolve-images';
/** On a ControllerRevision: the text of RESOLVE_IMAGES_ANNOTATION that its digests answer. */
export const RESOLVED_FOR_ANNOTATION = 'windlass.dev/images-resolved-for';
/** Beside it, JSON: which images the registries were asked for in vain, and why, `{"docker.io/library/nginx:1.27": "it has …"}`. */
export const UNRESOLVED_ANNOTATION = 'windlass.dev/images-unresolved';

/** What the text of RESOLVE_IMAGES_ANNOTATION begins with when registries are asked for what machines may have, too. */
const PULL_PREFIX = 'pull/';

/** Full form of an image → `sha256:…`. */
export type ImageDigests = ReadonlyMap<string, string>;

/** An object of the API, as far as it counts here. */
interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}

type ContainerImage = Pick<V1Container, 'image' | 'imagePullPolicy'>;

/** A text for RESOLVE_IMAGES_ANNOTATION. @param now milliseconds since the epoch @param pull asks whatever the pull policy, but Never */
export function lookupText(now: number, pull: boolean): string {
  return `${pull ? PULL_PREFIX : ''}${microTimestamp(now)}`;
}

/** Whether registries are to be asked also for images that machines may have. */
export function isPullAsked({ metadata }: Annotated): boolean {
  return metadata.annotations?.[RESOLVE_IMAGES_ANNOTATION]?.startsWith(PULL_PREFIX) ?? false;
}

/**
 * Images with tags, each once; of several policies for one image the one that asks most.
 *
 * @param more images of hooks
 * @param pull turns IfNotPresent into Always
 */
export function imagesToResolve(
  template: PodTemplate,
  more: readonly string[] = [],
  pull = false,
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
    const asked = policyOf(container, reference.tag);
    const policy = pull && asked === 'IfNotPresent' ? 'Always' : asked;
    const known = policies.get(image);
    if (known === undefined || ASKS.indexOf(policy) > ASKS.indexOf(known))
      policies.set(image, policy);
  }
  return [...policies]
    .map(([image, policy]) => ({ image, policy }))
    .toSorted((a, b) => (a.image < b.image ? -1 : 1));
}

/** Images of a service, hooks included. @param pull turns IfNotPresent into Always */
export function imagesOfService(
  { spec }: Pick<Service, 'spec'>,
  pull = false,
): readonly ImageQuestion[] {
  const { preDeploy, postDeploy } = spec.hooks ?? {};
  const hookImages = [preDeploy?.image, postDeploy?.image].filter((image) => image !== undefined);
  return imagesToResolve(spec.template, hookImages, pull);
}

/** Full forms of the images of a service that a deployment asks registries for. @param pull whatever the pull policy, but Never */
export function imagesToAskFor(service: Pick<Service, 'spec'>, pull: boolean): readonly string[] {
  return imagesOfService(service, pull)
    .filter(({ policy }) => policy === 'Always')
    .map(({ image }) => image);
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
  const texts = stringsOf(revision.metadata.annotations?.[IMAGE_DIGESTS_ANNOTATION]);
  return new Map([...texts].filter(([, digest]) => isDigest(digest)));
}

/** Image → why its registry did not tell, of those that were asked for with the text in RESOLVED_FOR_ANNOTATION. */
export function unresolvedOf(revision: Annotated): ReadonlyMap<string, string> {
  return stringsOf(revision.metadata.annotations?.[UNRESOLVED_ANNOTATION]);
}

/** A JSON object's fields that are texts. Somebody may have edited it: none where it is something else. */
function stringsOf(text: string | undefined): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(jsonFields(text ?? '') ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

/** Annotations of a revision whose images were looked up; sorted, so that the same answers are the same text. */
export function digestAnnotations(
  service: Annotated,
  digests: ImageDigests,
  unresolved: ReadonlyMap<string, string> = new Map(),
): Readonly<Record<string, string>> {
  const sorted = [...digests].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const asked = service.metadata.annotations?.[RESOLVE_IMAGES_ANNOTATION];
  return {
    [IMAGE_DIGESTS_ANNOTATION]: JSON.stringify(Object.fromEntries(sorted)),
    ...(asked === undefined
      ? {}
      : {
          [RESOLVED_FOR_ANNOTATION]: asked,
          [UNRESOLVED_ANNOTATION]: JSON.stringify(Object.fromEntries(unresolved)),
        }),
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
