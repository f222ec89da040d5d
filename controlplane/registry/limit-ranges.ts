// LimitRanges at the creation and resizing of Pods and claims: amounts for containers that name none, and what is too little or too much. The rules
// and words are upstream's.
import { forbidden } from '#controlplane/api/errors.ts';
import { isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { formatQuantity, parseQuantity } from '#platform/quantity.ts';
import type { Quantity } from '#platform/quantity.ts';
import type { Environment } from './environment.ts';

const LIMIT_RANGES = 'core/limitranges';
const ANNOTATION = 'kubernetes.io/limit-ranger';

type Amounts = ReadonlyMap<string, Quantity>;

interface Usage {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

function limitsOf(env: Environment, namespace: string): readonly (readonly unknown[])[] {
  if (env.store.count(LIMIT_RANGES) === 0) return [];
  const { items } = env.store.list(LIMIT_RANGES, { namespace });
  return items.map(({ bytes }) => listAt(JSON.parse(bytes.toString()), 'spec', 'limits'));
}

const containersIn = (pod: KubernetesObject, list: string): readonly JSONObject[] =>
  listAt(pod, 'spec', list).filter(isObject);

/** Gives containers of a new Pod what they do not name, and says so in an annotation. */
export function applyLimitDefaults(pod: KubernetesObject, env: Environment): void {
  for (const limits of limitsOf(env, pod.metadata.namespace ?? '')) {
    const limit = limits.find((one) => stringAt(one, 'type') === 'Container');
    if (limit === undefined) continue;
    const told = [
      ...containersIn(pod, 'containers').flatMap((one) => fill(one, limit, 'container')),
      ...containersIn(pod, 'initContainers').flatMap((one) => fill(one, limit, 'init container')),
    ];
    if (told.length === 0) continue;
    const text = `LimitRanger plugin set: ${told.join('; ')}`;
    pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: text };
  }
}

function fill(container: JSONObject, limit: unknown, what: string): string[] {
  const resources: JSONObject = { ...objectAt(container, 'resources') };
  const add = (part: 'requests' | 'limits', amounts: JSONObject): string[] => {
    const present = objectAt(resources, part);
    const missing = Object.keys(amounts).filter((name) => present[name] === undefined);
    if (missing.length === 0) return [];
    const added = missing.map((name) => [name, amounts[name]] as const);
    resources[part] = { ...present, ...Object.fromEntries(added) };
    const word = part === 'requests' ? 'request' : 'limit';
    const names = missing.toSorted((a, b) => (a < b ? -1 : 1)).join(', ');
    return [`${names} ${word} for ${what} ${stringAt(container, 'name')}`];
  };
  const told = [
    ...add('requests', objectAt(limit, 'defaultRequest')),
    ...add('limits', objectAt(limit, 'default')),
  ];
  if (told.length > 0) container['resources'] = resources;
  return told;
}

/** @throws ApiError Forbidden naming everything of the first LimitRange that a new or resized Pod breaks */
export function checkPodLimits(pod: KubernetesObject, env: Environment): void {
  for (const limits of limitsOf(env, pod.metadata.namespace ?? '')) {
    const problems = limits.flatMap((limit) => {
      const type = stringAt(limit, 'type');
      if (type === 'Pod') return problemsOf(limit, type, usageOfPod(pod));
      if (type !== 'Container') return [];
      const all = [...containersIn(pod, 'containers'), ...containersIn(pod, 'initContainers')];
      return all.flatMap((container) => problemsOf(limit, type, usageOf(container)));
    });
    refuse('pods', 'Pod', pod, problems);
  }
}

/** @throws ApiError Forbidden for a claim of too little or too much storage */
export function checkClaimLimits(claim: KubernetesObject, env: Environment): void {
  for (const limits of limitsOf(env, claim.metadata.namespace ?? '')) {
    const problems = limits
      .filter((limit) => stringAt(limit, 'type') === 'PersistentVolumeClaim')
      .flatMap((limit) => claimProblems(limit, usageOf(objectAt(claim, 'spec')).requests));
    refuse('persistentvolumeclaims', 'PersistentVolumeClaim', claim, problems);
  }
}

function refuse(
  resource: string,
  kind: string,
  { metadata }: KubernetesObject,
  problems: readonly string[],
): void {
  const [first] = problems;
  if (first === undefined) return;
  const all = [...new Set(problems)];
  const why = all.length === 1 ? first : `[${all.join(', ')}]`;
  throw forbidden({ group: '', resource, kind }, metadata.name ?? '', why);
}

function amountsOf(amounts: unknown): Amounts {
  const parsed = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(objectAt(amounts))) {
    const quantity = parseQuantity(String(text));
    if (quantity !== undefined) parsed.set(name, quantity);
  }
  return parsed;
}

function usageOf(owner: unknown): Usage {
  const resources = objectAt(owner, 'resources');
  return { requests: amountsOf(resources['requests']), limits: amountsOf(resources['limits']) };
}

/** All containers together; of init containers, which run alone, the largest, where it is more. Sidecars run beside all. */
function usageOfPod(pod: KubernetesObject): Usage {
  const total = { requests: new Map<string, Quantity>(), limits: new Map<string, Quantity>() };
  const parts = ['requests', 'limits'] as const;
  const isSidecar = (one: JSONObject): boolean => one['restartPolicy'] === 'Always';
  const inits = containersIn(pod, 'initContainers');
  for (const container of [...containersIn(pod, 'containers'), ...inits.filter(isSidecar)]) {
    const usage = usageOf(container);
    for (const part of parts)
      for (const [name, amount] of usage[part]) {
        const before = total[part].get(name)?.nano ?? 0n;
        total[part].set(name, { ...amount, nano: before + amount.nano });
      }
  }
  for (const container of inits.filter((one) => !isSidecar(one))) {
    const usage = usageOf(container);
    for (const part of parts)
      for (const [name, amount] of usage[part]) {
        const before = total[part].get(name);
        if (before === undefined || before.nano < amount.nano) total[part].set(name, amount);
      }
  }
  return total;
}

function problemsOf(limit: unknown, type: string, { requests, limits }: Usage): string[] {
  const problems: string[] = [];
  const text = formatQuantity;
  for (const [name, least] of amountsOf(objectAt(limit)['min'])) {
    const [request, most] = [requests.get(name), limits.get(name)];
    const rule = `minimum ${name} usage per ${type} is ${text(least)}`;
    if (request === undefined) problems.push(`${rule}.  No request is specified`);
    else if (request.nano < least.nano) problems.push(`${rule}, but request is ${text(request)}`);
    else if (most !== undefined && most.nano < least.nano)
      problems.push(`${rule}, but limit is ${text(most)}`);
  }
  for (const [name, most] of amountsOf(objectAt(limit)['max'])) {
    const [request, given] = [requests.get(name), limits.get(name)];
    const rule = `maximum ${name} usage per ${type} is ${text(most)}`;
    if (given === undefined) problems.push(`${rule}.  No limit is specified`);
    else if (given.nano > most.nano) problems.push(`${rule}, but limit is ${text(given)}`);
    else if (request !== undefined && request.nano > most.nano)
      problems.push(`${rule}, but request is ${text(request)}`);
  }
  for (const [name, ratio] of amountsOf(objectAt(limit)['maxLimitRequestRatio'])) {
    const [request, given] = [requests.get(name), limits.get(name)];
    const rule = `${name} max limit to request ratio per ${type} is ${text(ratio)}`;
    if (request === undefined || request.nano === 0n)
      problems.push(`${rule}, but no request is specified or request is 0`);
    else if (given === undefined || given.nano === 0n)
      problems.push(`${rule}, but no limit is specified or limit is 0`);
    else if (given.nano * 1_000_000_000n > ratio.nano * request.nano) {
      const provided = (Number(given.nano) / Number(request.nano)).toFixed(6);
      problems.push(`${rule}, but provided ratio is ${provided}`);
    }
  }
  return problems;
}

function claimProblems(limit: unknown, requests: Amounts): string[] {
  const type = 'PersistentVolumeClaim';
  const problems: string[] = [];
  for (const [name, least] of amountsOf(objectAt(limit)['min'])) {
    const request = requests.get(name);
    const rule = `minimum ${name} usage per ${type} is ${formatQuantity(least)}`;
    if (request === undefined) problems.push(`${rule}.  No request is specified`);
    else if (request.nano < least.nano)
      problems.push(`${rule}, but request is ${formatQuantity(request)}`);
  }
  for (const [name, most] of amountsOf(objectAt(limit)['max'])) {
    const request = requests.get(name);
    const rule = `maximum ${name} usage per ${type} is ${formatQuantity(most)}`;
    if (request === undefined) problems.push(`${rule}.  No request is specified`);
    else if (request.nano > most.nano)
      problems.push(`${rule}, but request is ${formatQuantity(request)}`);
  }
  return problems;
}
