// The quotas of one namespace and what everything in it takes of them, kept as objects come and go: asking costs no more the more
// there is. Writes that are on their way count as if they had arrived. Pure: what time it is comes in as an argument.
import { addAmounts, parseAmounts, raiseAmounts } from '#platform/quota/amounts.ts';
import type { Amounts } from '#platform/quota/amounts.ts';
import { kindCounted } from '#platform/quota/usage.ts';
import { isInScopes, scopesOf } from '#platform/quota/scopes.ts';
import type { ScopeFacts } from '#platform/quota/scopes.ts';
import type { QuotaSpec, ScopeRequirement } from '#platform/quota/quota-objects.ts';
import { formatQuantity } from '#platform/quantity.ts';
import type { Quantity } from '#platform/quantity.ts';

/** One object as quotas see it. */
export interface Counted {
  readonly usage: Amounts;
  /** Undefined for kinds that no scope is about. */
  readonly facts: ScopeFacts | undefined;
  /** From this time on it counts as `lapsed`: a Pod that should be gone. */
  readonly lapsesAt?: number;
  readonly lapsed?: Amounts;
}

interface Quota {
  readonly name: string;
  readonly hard: Amounts;
  readonly kinds: ReadonlySet<string>;
  readonly scopes: readonly ScopeRequirement[];
  readonly used: Map<string, Quantity>;
}

interface Entry {
  stored: Counted | undefined;
  readonly writing: Set<Counted>;
  /** What is in the sums of the quotas. */
  summed: Counted | undefined;
}

/** Why a write may not be: upstream's words behind `is forbidden:`. */
export type QuotaRefusal = string;

export class NamespaceQuotas {
  /** In order of their names, so that the first that refuses is always the same. */
  #quotas: readonly Quota[] = [];
  readonly #entries = new Map<string, Entry>();

  get isEmpty(): boolean {
    return this.#quotas.length === 0;
  }

  /** Kinds that some quota is about. */
  kinds(): ReadonlySet<string> {
    return new Set(this.#quotas.flatMap(({ kinds }) => [...kinds]));
  }

  setQuota(name: string, spec: QuotaSpec | undefined): void {
    const others = this.#quotas.filter((quota) => quota.name !== name);
    if (spec === undefined) {
      this.#quotas = others;
      return;
    }
    const hard = parseAmounts(spec.hard);
    const kinds = [...hard.keys()].map(kindCounted).filter((kind) => kind !== undefined);
    const quota: Quota = {
      name,
      hard,
      kinds: new Set(kinds),
      scopes: scopesOf(spec),
      used: new Map(),
    };
    for (const { summed } of this.#entries.values()) count(quota, summed, 1n);
    this.#quotas = [...others, quota].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What is stored under `key` now; undefined: nothing. */
  setStored(key: string, counted: Counted | undefined): void {
    const entry = this.#entry(key);
    entry.stored = counted;
    this.#sum(key, entry);
  }

  /** Counts a write until what is returned is called. */
  begin(key: string, counted: Counted): () => void {
    const entry = this.#entry(key);
    entry.writing.add(counted);
    this.#sum(key, entry);
    return () => {
      entry.writing.delete(counted);
      this.#sum(key, entry);
    };
  }

  /** @param missing what the object lacks of names that a quota needs; asked of new objects only */
  refusal(
    key: string,
    kind: string,
    counted: Counted,
    now: number,
    missing?: (names: readonly string[]) => string | undefined,
  ): QuotaRefusal | undefined {
    const refused = this.#refusal(key, kind, counted, missing);
    // Before anybody is refused: does something still count that should be gone?
    return refused !== undefined && this.#lapse(now)
      ? this.#refusal(key, kind, counted, missing)
      : refused;
  }

  #refusal(
    key: string,
    kind: string,
    counted: Counted,
    missing: ((names: readonly string[]) => string | undefined) | undefined,
  ): QuotaRefusal | undefined {
    const before = this.#entries.get(key)?.summed?.usage;
    const wanted = new Map<string, Quantity>();
    for (const [name, amount] of counted.usage) {
      const nano = amount.nano - (before?.get(name)?.nano ?? 0n);
      if (nano > 0n) wanted.set(name, { ...amount, nano });
    }
    for (const { name, hard, used, scopes, kinds } of this.#quotas) {
      if (!kinds.has(kind) || !isInScopes(scopes, counted.facts)) continue;
      const names = [...hard.keys()].filter((one) => kindCounted(one) === kind);
      const lack = missing?.(names);
      if (lack !== undefined) return `failed quota: ${name}: ${lack}`;
      const over = names.filter((one) => {
        const more = wanted.get(one)?.nano ?? 0n;
        return more > 0n && (used.get(one)?.nano ?? 0n) + more > (hard.get(one)?.nano ?? 0n);
      });
      if (over.length === 0) continue;
      const shown = (amounts: Amounts): string =>
        over
          .toSorted()
          .map((one) => `${one}=${formatQuantity(amounts.get(one) ?? NOTHING)}`)
          .join(',');
      return `exceeded quota: ${name}, requested: ${shown(wanted)}, used: ${shown(used)}, limited: ${shown(hard)}`;
    }
    return undefined;
  }

  /** @returns whether something counts less by now */
  #lapse(now: number): boolean {
    let any = false;
    for (const [key, entry] of this.#entries) {
      const { stored } = entry;
      if (stored?.lapsesAt === undefined || stored.lapsed === undefined) continue;
      if (now <= stored.lapsesAt) continue;
      entry.stored = { usage: stored.lapsed, facts: stored.facts };
      this.#sum(key, entry);
      any = true;
    }
    return any;
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { stored: undefined, writing: new Set(), summed: undefined };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #sum(key: string, entry: Entry): void {
    const next = together([...entry.writing, ...(entry.stored ? [entry.stored] : [])]);
    for (const quota of this.#quotas) {
      count(quota, entry.summed, -1n);
      count(quota, next, 1n);
    }
    entry.summed = next;
    if (next === undefined) this.#entries.delete(key);
    else this.#entries.set(key, entry);
  }
}

const NOTHING: Quantity = { nano: 0n, format: 'decimal' };

/** Which of several states one object will be in is not known: of each amount the largest counts. */
function together(states: readonly Counted[]): Counted | undefined {
  const [first, ...others] = states;
  if (first === undefined || others.length === 0) return first;
  const usage = new Map(first.usage);
  for (const other of others) raiseAmounts(usage, other.usage);
  return { usage, facts: first.facts };
}

function count({ hard, used, scopes }: Quota, counted: Counted | undefined, sign: 1n | -1n): void {
  if (counted === undefined || !isInScopes(scopes, counted.facts)) return;
  const own = [...counted.usage].filter(([name]) => hard.has(name));
  addAmounts(used, new Map(own), sign);
}
