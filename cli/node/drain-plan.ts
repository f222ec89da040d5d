// What a drain does with each Pod of a node, and what becomes of it: pure. The rules are those of `kubectl drain`; what it adds are the
// words about what cannot move.
import { drainVerdict } from '#platform/drain-verdict.ts';
import { nodeFacts, refusal } from '#controllers/machinery/node-fit.ts';
import { controllerOf } from '#controllers/machinery/owner-references.ts';
import type { Pod } from '#controllers/service/instance.ts';
import type { Service } from '#controllers/service/types.ts';
import { nameOf } from './node-content.ts';
import type { NodeContent } from './node-content.ts';

export interface DrainRules {
  /** Deletes what nothing makes again. */
  readonly force: boolean;
  readonly deleteEmptyDirData: boolean;
  /** Leaves instances of Global services, and Pods of DaemonSets. */
  readonly ignoreGlobal: boolean;
  /** Leaves instances whose volumes are on this node. */
  readonly ignoreVolumes: boolean;
}

export interface DrainStep {
  readonly pod: Pod;
  /** `refuse`: the drain does not begin. `wait`: it is stopping already. */
  readonly action: 'evict' | 'wait' | 'leave' | 'refuse';
  /** What becomes of it, or why not. */
  readonly note: string;
  /** It will run nowhere until the node takes Pods again, or somebody does something. */
  readonly stuck: boolean;
}

export function planDrain(
  node: string,
  content: NodeContent,
  rules: DrainRules,
): readonly DrainStep[] {
  return content.pods.map((pod) => ({ pod, stuck: false, ...stepOf(pod, node, content, rules) }));
}

type Step = Pick<DrainStep, 'action' | 'note'> & { readonly stuck?: boolean };

function stepOf(pod: Pod, node: string, content: NodeContent, rules: DrainRules): Step {
  const owner = controllerOf(pod);
  const service = content.services.find(({ metadata: { uid } }) => uid === owner?.uid);
  const { force, deleteEmptyDirData, ignoreGlobal } = rules;
  const consents = { force, deleteEmptyDirData, ignorePinned: ignoreGlobal, keepFinished: false };
  const verdict = drainVerdict(pod, node, consents);
  const { action } = verdict;
  const maker =
    service === undefined
      ? `${owner?.kind ?? 'something'} ${owner?.name ?? ''}`
      : `service ${service.metadata.name}`;
  switch (verdict.reason) {
    case 'Mirror':
      return { action, note: 'the node itself runs it' };
    case 'Stopping':
      return { action, note: 'is stopping already' };
    case 'Finished':
      return { action, note: 'has ended' };
    case 'Pinned':
      return ignoreGlobal
        ? { action, note: `${maker} keeps one on each node` }
        : { action, note: `${maker} would make it again here: pass --ignore-global` };
    case 'LocalData':
    case 'Unmanaged':
    case 'Managed':
  }
  // It does not tolerate the cordon, and so stays away until that is over.
  if (service?.spec.mode === 'Global')
    return ignoreGlobal
      ? { action: 'leave', note: `${maker} is Global: it has one on each node` }
      : { action: 'evict', note: `comes back with the node: ${maker} is Global` };
  if (verdict.reason === 'LocalData')
    return { action, note: 'its emptyDir data would be lost: pass --delete-emptydir-data' };
  if (verdict.reason === 'Unmanaged')
    return force
      ? { action, note: 'is gone for good: nothing makes it again', stuck: true }
      : { action, note: 'nothing makes it again: pass --force' };
  const claim = claimOf(pod, content);
  if (claim !== undefined)
    return rules.ignoreVolumes
      ? { action: 'leave', note: `the data of its volume ${claim} is here` }
      : {
          action: 'evict',
          note: `cannot move: the data of its volume ${claim} is here; it is down until the node is uncordoned`,
          stuck: true,
        };
  return service === undefined
    ? { action: 'evict', note: `${maker} makes it again` }
    : moveOf(pod, node, service, content);
}

/** A claim of the Pod whose data is on the node. */
function claimOf({ metadata, spec }: Pod, { claims }: NodeContent): string | undefined {
  const { namespace } = metadata;
  return (spec.volumes ?? [])
    .map(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName)
    .find(
      (name) =>
        name !== undefined &&
        claims.some(
          (claim) => claim.metadata.name === name && claim.metadata.namespace === namespace,
        ),
    );
}

function moveOf(pod: Pod, node: string, service: Service, content: NodeContent): Step {
  const { name } = service.metadata;
  const problem = whyNowhere(node, service, content);
  if (problem !== undefined)
    return { action: 'evict', note: `cannot move: ${problem}`, stuck: true };
  const serving = [...content.pods, ...content.others].filter(
    (other) =>
      other.metadata.uid !== pod.metadata.uid &&
      controllerOf(other)?.uid === service.metadata.uid &&
      other.metadata.deletionTimestamp === undefined &&
      other.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  );
  if (serving.length === 0)
    return {
      action: 'evict',
      note: `moves, and is away until it is ready elsewhere: service ${name} has no other`,
    };
  const elsewhere = content.others.filter((other) => serving.includes(other)).length;
  return {
    action: 'evict',
    note: `moves: ${elsewhere} of the ${serving.length} other instances of ${name} are on other nodes`,
  };
}

const MOST_NODES_NAMED = 5;

/** Why no other node takes an instance of the service; undefined when one does. */
function whyNowhere(node: string, { spec }: Service, { nodes }: NodeContent): string | undefined {
  const named: readonly string[] = spec.placement?.nodes ?? [];
  const reasons: string[] = [];
  for (const other of nodes) {
    const facts = nodeFacts(other);
    if (facts.name === node) continue;
    const why =
      named.length > 0 && !named.includes(facts.name)
        ? 'is not in its placement'
        : refusal(spec.template.spec, facts);
    if (why === undefined) return undefined;
    reasons.push(`${facts.name} ${why}`);
  }
  if (reasons.length === 0) return 'there is no other node';
  const more = reasons.length - MOST_NODES_NAMED;
  const shown = reasons.slice(0, MOST_NODES_NAMED).join('; ');
  return `no other node takes it: ${shown}${more > 0 ? `; and ${more} more` : ''}`;
}

/** The report: one line for each Pod, those that need attention last. */
export function formatDrain(node: string, steps: readonly DrainStep[]): string {
  if (steps.length === 0) return `${node} runs nothing\n`;
  const width = Math.max(...steps.map(({ pod }) => nameOf(pod).length));
  const line = ({ pod, note }: DrainStep): string => `  ${nameOf(pod).padEnd(width)}  ${note}\n`;
  const part = (title: string, of: readonly DrainStep[]): string =>
    of.length === 0 ? '' : `${title}\n${of.map(line).join('')}`;
  const refused = steps.filter(({ action }) => action === 'refuse');
  const stays = steps.filter(({ action }) => action === 'leave');
  const goes = steps.filter(({ action }) => action === 'evict' || action === 'wait');
  return [
    part(
      'moves or ends:',
      goes.filter(({ stuck }) => !stuck),
    ),
    part(
      'cannot move:',
      goes.filter(({ stuck }) => stuck),
    ),
    part('stays:', stays),
    part('stands in the way:', refused),
  ].join('');
}
