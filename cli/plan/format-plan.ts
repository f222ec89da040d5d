// Plans for people and for scripts: the tree of operations with their reasons, the line that sums it up, and the JSON form. Pure.
import { isDeepStrictEqual } from 'node:util';
import {
  canonicalImageText,
  imageReferenceOf,
  repositoryName,
} from '#controllers/machinery/image-reference.ts';
import type { RolloutOperation } from '#controllers/service/plan-rollout.ts';
import type { Service } from '#controllers/service/types.ts';
import type { ServicePreview } from './preview.ts';

/** `windlass plan -o json`. */
export interface PlanJSON {
  readonly service: string;
  /** uid; null for a service that does not exist yet. */
  readonly serviceID: string | null;
  readonly operations: readonly RolloutOperation[];
  readonly summary: string;
  /** Images whose registries are asked again when it is deployed; one that has moved replaces all instances. Absent: none. */
  readonly lookups?: readonly string[];
}

export function planJSON(preview: ServicePreview): PlanJSON {
  const held = preview.held === undefined ? '' : ` · held: ${preview.held}`;
  const waits = preview.problem === '' ? '' : ` · waits: ${preview.problem}`;
  return {
    service: preview.after.metadata.name,
    serviceID: preview.serviceID,
    operations: preview.operations,
    summary: `${summaryOf([preview])}${held}${waits}`,
    ...(preview.lookups.length === 0 ? {} : { lookups: preview.lookups.map(canonicalImageText) }),
  };
}

const RULE = '─'.repeat(23);
const MAXIMUM_VALUE_LENGTH = 60;

/** The trees of all services of which something changes, and the summary; ends with a newline. */
export function formatPlans(previews: readonly ServicePreview[]): string {
  const parts = previews.map((preview) =>
    hasChanges(preview)
      ? formatTree(preview)
      : `${preview.after.metadata.name} is up to date${lookupText(preview)}${heldText(preview)}\n`,
  );
  if (!previews.some(hasChanges)) return parts.join('');
  return `${parts.join('\n')}${RULE}\n${summaryOf(previews)}\n`;
}

export function hasChanges(preview: ServicePreview): boolean {
  return preview.operations.length > 0 || !preview.exists || detailsOf(preview).some(isChange);
}

/** `1 create · 2 replace (start-first) · across 3 machines`; volumes count as create, hooks do not count. */
export function summaryOf(previews: readonly ServicePreview[]): string {
  const operations = previews.flatMap((preview) => preview.operations);
  if (operations.length === 0)
    return previews.some(hasChanges) ? 'no container changes' : 'up to date';
  const count = (matches: (operation: RolloutOperation) => boolean): number =>
    operations.filter(matches).length;
  const counts: readonly (readonly [number, string])[] = [
    [count(({ op }) => op === 'run' || op === 'createVolume'), 'create'],
    [count(({ op }) => op === 'update'), 'update'],
    [count(({ order }) => order === 'start-first'), 'replace (start-first)'],
    [count(({ order }) => order === 'stop-first'), 'replace (stop-first)'],
    [count(({ op }) => op === 'remove' || op === 'stop'), 'remove'],
  ];
  const machines = new Set(operations.map(({ node }) => node).filter((node) => node !== '')).size;
  return [
    ...counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`),
    ...(machines === 0 ? [] : [`across ${machines} ${machines === 1 ? 'machine' : 'machines'}`]),
  ].join(' · ');
}

function formatTree(preview: ServicePreview): string {
  const { after, exists, operations } = preview;
  const global = after.spec.mode === 'Global' ? ' (global)' : '';
  const head = `${exists ? '~ update' : '+ create'} service ${after.metadata.name}${global}`;
  const held = obstaclesOf(preview).map((text) => `  │ ! ${text}`);
  // Whatever a new template names is looked up in any case.
  const lookups =
    preview.digests === undefined
      ? []
      : preview.lookups.map(
          (image) =>
            `  │ ? ${canonicalImageText(image)} is looked up again in its registry: if it has moved, every container is replaced`,
        );
  const details = detailsOf(preview);
  const width = Math.max(0, ...details.map(({ name }) => name.length)) + 1;
  const lines = details.map((detail) => {
    const sign = exists && isChange(detail) ? '~' : ' ';
    return `  │ ${sign} ${`${detail.name}:`.padEnd(width)} ${detail.text}`;
  });
  const last = operations.length - 1;
  const tree = operations.flatMap((operation, index) => [
    `  ${index === last ? '╰' : '├'}── ${describe(operation, after.metadata.name)}`,
    ...operation.reasons.map((reason) => `  ${index === last ? ' ' : '│'}         ${reason}`),
  ]);
  return [
    head,
    ...held,
    ...lines,
    ...lookups,
    ...(tree.length === 0 ? [] : ['  │', ...tree]),
    '',
  ].join('\n');
}

function lookupText({ lookups }: ServicePreview): string {
  if (lookups.length === 0) return '';
  const images = lookups.map(canonicalImageText).join(', ');
  const [has, its] = lookups.length === 1 ? ['has', 'its registry is'] : ['have', 'registries are'];
  return `, unless ${images} ${has} moved: ${its} asked when it is deployed`;
}

function heldText(preview: ServicePreview): string {
  return obstaclesOf(preview)
    .map((text) => `; ${text}`)
    .join('');
}

function obstaclesOf({ held, problem }: ServicePreview): readonly string[] {
  return [
    ...(held === undefined ? [] : [`held: ${held}`]),
    ...(problem === '' ? [] : [`waits: ${problem}`]),
  ];
}

/** The texts of uncloud, whose users know them; our own operations in the same manner. */
function describe(operation: RolloutOperation, service: string): string {
  const { op, node, pod = '', order, step = 0 } = operation;
  const where = node === '' ? 'on no machine yet' : `on ${node}`;
  switch (op) {
    case 'createVolume':
      return `+   create volume ${operation.volume ?? ''} ${where}`;
    case 'stopPreDeploy':
      return `⏹   stop pre-deploy hook ${pod} ${where}`;
    case 'runPreDeploy':
      return `▶   run pre-deploy hook ${service} ${hookText(operation)}`;
    case 'runPostDeploy':
      return `▶   run post-deploy hook ${service} ${hookText(operation)}`;
    case 'run':
      return `+   run container ${service} ${where}`;
    case 'update':
      return `~   update container ${pod} ${where} (in place)`;
    case 'replace':
      return order === 'stop-first'
        ? `-/+ replace container ${pod} ${where} (stop-first)`
        : `+/- replace container ${pod} ${where}`;
    case 'stop':
      return `-   stop container ${pod} ${where}`;
    case 'remove':
      return `-   remove container ${pod} ${where}`;
    case 'switch':
      return '⇄   switch traffic to the new containers';
    case 'promote':
      return `⏸   promote step ${step}`;
    default:
      return op satisfies never;
  }
}

function hookText({ command = [], node, timeoutSeconds = 0 }: RolloutOperation): string {
  const where = node === '' ? 'on no machine yet' : `on ${node}`;
  return `[${show(command.join(' '))}] ${where} (timeout ${timeoutSeconds}s)`;
}

interface Detail {
  readonly name: string;
  readonly text: string;
}

function isChange({ text }: Detail): boolean {
  return text.includes(' → ');
}

/** What is worth a line above the operations: images, replicas, and settings that change. */
function detailsOf({ before, after, operations }: ServicePreview): readonly Detail[] {
  return [
    ...imageDetails(before, after),
    ...replicaDetails(before, after, operations.length > 0),
    ...(before === undefined ? [] : settingDetails(before, after)),
  ];
}

function imageDetails(before: Service | undefined, after: Service): readonly Detail[] {
  const { containers } = after.spec.template.spec;
  return containers.map(({ name, image = '' }) => {
    const old = before?.spec.template.spec.containers.find((one) => one.name === name)?.image;
    return {
      name: containers.length === 1 ? 'image' : `image of ${name}`,
      text: imageText(old, image),
    };
  });
}

/** `nginx:1.26 → 1.27` within a repository. */
/** As the planner sees it: two ways of writing one image are no change. */
function imageText(old: string | undefined, image: string): string {
  if (old === undefined || canonicalImageText(old) === canonicalImageText(image)) return image;
  const [before, after] = [imageReferenceOf(old), imageReferenceOf(image)];
  const isNewTag =
    before !== undefined &&
    after !== undefined &&
    before.digest === undefined &&
    after.digest === undefined &&
    repositoryName(before) === repositoryName(after);
  return `${old} → ${isNewTag ? (after.tag ?? 'latest') : image}`;
}

function replicaDetails(
  before: Service | undefined,
  { spec }: Service,
  hasOperations: boolean,
): readonly Detail[] {
  if (spec.mode === 'Global') return [];
  const replicas = spec.replicas ?? 1;
  const old = before?.spec.replicas ?? replicas;
  if (old !== replicas) return [{ name: 'replicas', text: `${old} → ${replicas}` }];
  return replicas > 1 && hasOperations ? [{ name: 'replicas', text: String(replicas) }] : [];
}

/** Of the spec outside of the template, which the reasons of the operations tell of. */
function settingDetails(before: Service, after: Service): readonly Detail[] {
  const told = new Set(['template', 'replicas']);
  const rest = (spec: object): Fields =>
    Object.fromEntries(Object.entries(spec).filter(([field]) => !told.has(field)));
  return changesOf('', rest(before.spec), rest(after.spec));
}

type Fields = Readonly<Record<string, unknown>>;

function changesOf(path: string, old: unknown, fresh: unknown): readonly Detail[] {
  if (isDeepStrictEqual(old, fresh)) return [];
  if (Array.isArray(old) && Array.isArray(fresh) && old.length === fresh.length)
    return old.flatMap((item, index) => changesOf(`${path}[${index}]`, item, fresh[index]));
  if (!isFields(old) || !isFields(fresh))
    return [{ name: path, text: `${show(old)} → ${show(fresh)}` }];
  const names = new Set([...Object.keys(old), ...Object.keys(fresh)]);
  return [...names].flatMap((name) =>
    changesOf(path === '' ? name : `${path}.${name}`, old[name], fresh[name]),
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAXIMUM_VALUE_LENGTH ? `${text.slice(0, MAXIMUM_VALUE_LENGTH - 1)}…` : text;
}
