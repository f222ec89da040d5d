// A deployment before it is carried out: what applying the files and removing what left them would do, and its text.
import type { Client } from '#controllers/machinery/client-types.ts';
import { endOf } from './await-rollout.ts';
import type { Lookup } from './image-lookups.ts';
import { leftoversOf, leftoverText } from './leftovers.ts';
import type { Leftover } from './leftovers.ts';
import { formatPlans, hasChanges } from '../plan/format-plan.ts';
import { livePreviews } from '../plan/live-previews.ts';
import type { LivePreviews, PreviewSettings } from '../plan/live-previews.ts';
import { PROJECT_LABEL } from '../project/read-project.ts';
import type { Project } from '../project/read-project.ts';

export interface Deployment extends LivePreviews {
  /** What the files do not hold any more. */
  readonly leftovers: readonly Leftover[];
  /** Whether that is removed. */
  readonly prune: boolean;
  /** Objects that were of another project, with its name. */
  readonly taken: readonly string[];
}

/** @param client one whose writes are dry runs */
export async function planDeployment(
  client: Client,
  project: Project,
  options: PreviewSettings & { readonly prune: boolean },
  now: number,
  signal: AbortSignal,
): Promise<Deployment> {
  const { prune, ...apply } = options;
  const previews = await livePreviews(client, project.manifests, apply, now, signal);
  const namespace = apply.namespace ?? 'default';
  const leftovers = await leftoversOf(client, project, namespace, signal);
  const taken = previews.applied.flatMap(({ before, object, name }) => {
    const old = before?.metadata.labels?.[PROJECT_LABEL];
    const fresh = object.metadata.labels?.[PROJECT_LABEL];
    return old === undefined || fresh === undefined || old === fresh
      ? []
      : [`${name} was deployed as part of project ${old}, and becomes part of ${fresh}`];
  });
  return { ...previews, leftovers, prune, taken };
}

/** Nothing to write, nothing to remove, nothing to do as far as is known before registries are asked, and every service serves as its spec says. */
export function isUpToDate({ applied, services, leftovers, prune }: Deployment): boolean {
  return (
    !(prune && leftovers.length > 0) &&
    applied.every(({ outcome }) => outcome === 'unchanged') &&
    services.every(
      (preview) =>
        !hasChanges(preview) &&
        preview.before !== undefined &&
        endOf(preview.before)?.state === 'ready',
    )
  );
}

/** Whether anything would be written. */
export function changesAnything({ applied, leftovers, prune }: Deployment): boolean {
  return (prune && leftovers.length > 0) || applied.some(({ outcome }) => outcome !== 'unchanged');
}

export function deploymentText({ applied, services, leftovers, prune, taken }: Deployment): string {
  // Services have a tree of their own.
  const others = applied
    .filter(({ resource, outcome }) => resource.group !== 'windlass.dev' && outcome !== 'unchanged')
    .map(({ name, outcome }) => `${outcome === 'created' ? '+ create' : '~ update'} ${name}\n`)
    .join('');
  const removed = prune ? leftoverText(leftovers) : '';
  const parts = [taken.map((one) => `! ${one}\n`).join(''), others, removed, formatPlans(services)];
  return `Deployment plan\n\n${parts.filter((part) => part !== '').join('\n')}\n`;
}

/** Services whose images are looked up again. */
export function lookupsOf({ services }: Deployment): readonly Lookup[] {
  return services
    .filter(({ lookups }) => lookups.length > 0)
    .map(({ after: { metadata }, lookups, digests }) => ({
      namespace: metadata.namespace ?? 'default',
      name: metadata.name,
      images: lookups,
      before: digests,
    }));
}

/** What stays although no file holds it; '' when there is nothing. */
export function leftoverHint({ leftovers, prune }: Deployment): string {
  if (prune || leftovers.length === 0) return '';
  const names = leftovers.map(({ name }) => name).join(', ');
  return `Not in the files any more: ${names}; --prune removes what was deployed from them.\n`;
}
