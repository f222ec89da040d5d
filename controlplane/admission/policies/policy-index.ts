// The admission policies of the cluster with their bindings, kept as they come and go.
import type { Logger } from '#platform/logging.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { Store, Subscription } from '../../store/types.ts';
import { MatchConditions } from '../match-conditions.ts';
import { readBinding } from './policy.ts';
import type { Policy, PolicyBinding } from './policy.ts';
import type { PolicyExpressions } from './policy-expressions.ts';

/** Where one sort of policies is kept, and how it is understood. */
export interface PolicySort<P extends Policy, Program> {
  /** Storage keys. */
  readonly policies: string;
  readonly bindings: string;
  readonly read: (object: KubernetesObject) => P;
  readonly load: (policy: P) => Promise<Program>;
}

interface HasExpressions {
  readonly expressions: PolicyExpressions;
}

/** A policy that somebody bound. */
export interface BoundPolicy<P extends Policy = Policy, Program = unknown> {
  readonly policy: P;
  /** In order of their names. */
  readonly bindings: readonly PolicyBinding[];
  /** Compiled when the first request comes that it is about. */
  readonly program: () => Promise<Program>;
  readonly conditions: () => Promise<MatchConditions>;
}

const byName = <T extends { readonly name: string }>(things: Iterable<T>): T[] =>
  [...things].toSorted((a, b) => (a.name < b.name ? -1 : 1));

export class PolicyIndex<P extends Policy, Program extends HasExpressions> {
  readonly #logger: Logger;
  readonly #changed: () => void;
  readonly #policies = new Map<string, BoundPolicy<P, Program>>();
  readonly #bindings = new Map<string, PolicyBinding>();
  readonly #subscriptions: readonly Subscription[];
  #bound: readonly BoundPolicy<P, Program>[] = [];

  /** @param changed whenever there are others */
  constructor(sort: PolicySort<P, Program>, store: Store, logger: Logger, changed: () => void) {
    this.#logger = logger;
    this.#changed = changed;
    this.#subscriptions = [
      this.#follow(store, sort.policies, this.#policies, (object) => unbound(sort, object)),
      this.#follow(store, sort.bindings, this.#bindings, readBinding),
    ];
    this.#bind();
  }

  /** Those with a binding, in order of their names. */
  get bound(): readonly BoundPolicy<P, Program>[] {
    return this.#bound;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
  }

  #follow<T>(
    store: Store,
    resource: string,
    known: Map<string, T>,
    read: (object: KubernetesObject) => T,
  ): Subscription {
    const learn = (name: string, bytes: Buffer): void => {
      try {
        known.set(name, read(JSON.parse(bytes.toString()) as KubernetesObject));
      } catch (error) {
        // Only one that an older release stored unchecked.
        this.#logger.error('Cannot use an admission policy', { resource, name, error });
        known.delete(name);
      }
    };
    const { items, revision } = store.list(resource, {});
    for (const { name, bytes } of items) learn(name, bytes);
    return store.watch(resource, revision, {
      events: (events) => {
        for (const { type, object } of events) {
          if (type === 'DELETED') known.delete(object.name);
          else learn(object.name, object.bytes);
        }
        this.#bind();
        this.#changed();
      },
      closed: () => undefined,
    });
  }

  #bind(): void {
    const bindings = Map.groupBy(byName(this.#bindings.values()), ({ policy }) => policy);
    const policies = [...this.#policies.values()].flatMap((one) => {
      const own = bindings.get(one.policy.name);
      return own === undefined ? [] : [{ ...one, bindings: own }];
    });
    this.#bound = policies.toSorted((a, b) => (a.policy.name < b.policy.name ? -1 : 1));
  }
}

function unbound<P extends Policy, Program extends HasExpressions>(
  { read, load }: PolicySort<P, Program>,
  object: KubernetesObject,
): BoundPolicy<P, Program> {
  const policy = read(object);
  let program: Promise<Program> | undefined;
  let conditions: Promise<MatchConditions> | undefined;
  const loaded = (): Promise<Program> => (program ??= load(policy));
  return {
    policy,
    bindings: [],
    program: loaded,
    conditions: () =>
      (conditions ??= loaded().then(
        ({ expressions }) =>
          new MatchConditions(policy.conditions, policy.failsOpen, expressions.types),
      )),
  };
}
