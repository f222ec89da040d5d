// What a Pod takes of a quota, by upstream's rules: its containers together, or the most that its init containers need at one time.
import type { Quantity } from '../quantity.ts';
import { addAmounts, parseAmounts, raiseAmounts, whole } from './amounts.ts';
import type { Amounts } from './amounts.ts';
import type { QuotaContainer, QuotaPod, QuotaResources } from './quota-objects.ts';

type Part = 'requests' | 'limits';

/** Seconds between 1970 and now do not matter to a Pod that runs; one that should be gone counts no more. */
export function podUsage(pod: QuotaPod, now: number): Amounts {
  const counted = new Map<string, Quantity>([['count/pods', whole(1)]]);
  if (!isAlive(pod, now)) return counted;
  counted.set('pods', whole(1));
  addAmounts(counted, computeNames(podAmounts(pod, 'requests'), podAmounts(pod, 'limits')));
  return counted;
}

/** When a Pod that is being deleted counts no more although it is still there; undefined: it is not being deleted. */
export function podLapsesAt({ metadata }: QuotaPod): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return undefined;
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1_000;
}

function isAlive(pod: QuotaPod, now: number): boolean {
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return false;
  const lapsesAt = podLapsesAt(pod);
  return lapsesAt === undefined || now <= lapsesAt;
}

const PLAIN: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** Amounts of resources under the names that quotas have for them. */
function computeNames(requests: Amounts, limits: Amounts): Amounts {
  const named = new Map<string, Quantity>();
  for (const [name, amount] of requests) {
    const isOwn = PLAIN.has(name) || name.startsWith('hugepages-');
    if (isOwn) named.set(name, amount);
    if (isOwn || name.includes('/')) named.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of limits) if (PLAIN.has(name)) named.set(`limits.${name}`, amount);
  return named;
}

function podAmounts({ spec, status }: QuotaPod, part: Part): Amounts {
  const total = new Map<string, Quantity>();
  const running = new Map(
    [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map((one) => [
      one.name,
      one.resources,
    ]),
  );
  const of = ({ name, resources }: QuotaContainer): Amounts => {
    const wanted = new Map(parseAmounts(resources?.[part]));
    // While a resize is under way, the larger of what is wanted and what is had.
    raiseAmounts(wanted, parseAmounts(running.get(name)?.[part]));
    return wanted;
  };
  for (const container of spec?.containers ?? []) addAmounts(total, of(container));
  const sidecars = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  for (const container of spec?.initContainers ?? []) {
    const own = of(container);
    if (container.restartPolicy === 'Always') {
      addAmounts(total, own);
      addAmounts(sidecars, own);
      raiseAmounts(peak, sidecars);
    } else {
      const now = new Map(own);
      addAmounts(now, sidecars);
      raiseAmounts(peak, now);
    }
  }
  raiseAmounts(total, peak);
  for (const [name, amount] of parseAmounts(spec?.resources?.[part])) total.set(name, amount);
  for (const [name, amount] of parseAmounts(spec?.overhead)) {
    if (part === 'requests' || total.has(name)) addAmounts(total, new Map([[name, amount]]));
  }
  return total;
}

/** Amounts of these that every container must name itself once a quota counts them. */
const NEEDED: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
]);

/** What a Pod lacks that `names` of a quota need: `must specify limits.cpu for: a,b; memory for: a`; undefined: nothing. */
export function missingAmounts({ spec }: QuotaPod, names: Iterable<string>): string | undefined {
  const named = (resources: QuotaResources | undefined): Amounts =>
    computeNames(parseAmounts(resources?.requests), parseAmounts(resources?.limits));
  const whole = named(spec?.resources);
  const needed = [...names].filter((name) => NEEDED.has(name) && !whole.has(name));
  if (needed.length === 0) return undefined;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const amounts = containers.map(({ name, resources }) => ({ name, has: named(resources) }));
  const lacking = needed.toSorted().flatMap((name) => {
    const without = amounts.filter(({ has }) => !has.has(name)).map((one) => one.name);
    return without.length === 0 ? [] : [`${name} for: ${without.toSorted().join(',')}`];
  });
  return lacking.length === 0 ? undefined : `must specify ${lacking.join('; ')}`;
}
