// Which machines hold an image, by what Nodes report, and what that says about its digest. Pure.
import type { ImageAnswer, ImageQuestion, NodeImages } from './digest-resolver.ts';
import { fullImage, imageReferenceOf, repositoryName } from './image-reference.ts';
import type { ImageReference } from './image-reference.ts';

/** What of a Node counts here. */
export interface NodeWithImages {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly images?: readonly { readonly names?: readonly string[] }[];
    readonly nodeInfo?: { readonly containerRuntimeVersion?: string };
  };
}

export function nodeImagesOf({ metadata, status }: NodeWithImages): NodeImages {
  return {
    name: metadata.name,
    runtime: status?.nodeInfo?.containerRuntimeVersion ?? '',
    images: status?.images ?? [],
  };
}

/** The process runtime runs programs of the machine; an image is but a word to it. */
export function runsImages({ runtime }: NodeImages): boolean {
  return !runtime.startsWith('process://');
}

interface Holder {
  readonly node: string;
  /** Absent when it was built or loaded there, never pulled. */
  readonly digest: string | undefined;
}

/** What can be said without asking a registry. */
export type LocalFinding =
  | { readonly ask: false; readonly answer: ImageAnswer }
  /** `fallback`: for when no registry answers. */
  | { readonly ask: true; readonly fallback?: ImageAnswer };

/** Same machines, same finding: of equal digests' counts the smaller digest wins. */
export function findLocally(
  { image, policy }: ImageQuestion,
  nodes: readonly NodeImages[],
): LocalFinding {
  const unpinned = (reason: string, isMissing = false): LocalFinding => ({
    ask: false,
    answer: { image, reason, isMissing },
  });
  if (nodes.length > 0 && !nodes.some(runsImages)) return unpinned('no machine runs containers');
  if (policy === 'Always') return { ask: true };
  const holders = holdersOf(image, nodes);
  const [first] = holders;
  if (first === undefined) {
    if (policy === 'IfNotPresent') return { ask: true };
    return unpinned(
      'no machine has it and imagePullPolicy is Never: bring it there with windlass image push, or allow pulling',
      true,
    );
  }
  const local = holders.find(({ digest }) => digest === undefined);
  if (local !== undefined)
    return unpinned(`machine ${local.node} has one that was never pulled from a registry`);
  const counts = new Map<string, number>();
  for (const { digest = '' } of holders) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  const [most] = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const [digest, count] = most ?? ['', 0];
  const holder = holders.find((one) => one.digest === digest)?.node ?? first.node;
  const rest = holders.length - count;
  const reason =
    rest === 0
      ? `machine ${holder} has it`
      : `${count} of ${holders.length} machines that have it have this one, machine ${holder} among them`;
  const answer: ImageAnswer = { image, digest, reason, isMissing: false };
  return rest === 0 || policy === 'Never'
    ? { ask: false, answer }
    : { ask: true, fallback: answer };
}

function holdersOf(image: string, nodes: readonly NodeImages[]): readonly Holder[] {
  return nodes.flatMap(({ name, images }) => {
    for (const { names = [] } of images) {
      const references = names.flatMap((text) => imageReferenceOf(text) ?? []);
      const tagged = references.find(
        (reference) => reference.digest === undefined && fullImage(reference) === image,
      );
      if (tagged !== undefined) return [{ node: name, digest: digestAmong(references, tagged) }];
    }
    return [];
  });
}

function digestAmong(
  references: readonly ImageReference[],
  tagged: ImageReference,
): string | undefined {
  const name = repositoryName(tagged);
  return references.find(
    (reference) => reference.digest !== undefined && repositoryName(reference) === name,
  )?.digest;
}
