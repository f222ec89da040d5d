// The admission policies of the cluster with their bindings, kept as they come and go.
import type { Logger } from '#platform/logging.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { Store, Subscription } from '../../store/types.ts';
import { MatchConditions } from '../match-conditions.ts';
import { readBinding, readPolicy } from './policy.ts';
import type { PolicyBinding, ValidatingPolicy } from './policy.ts';
import { PolicyProgram } from './policy-program.ts';

const GROUP = 'admissionregistration.k8s.io';
const POLICIES = `${GROUP}/validatingadmissionpolicies`;
const BINDINGS = `${GROUP}/validatingadmissionpolicybindings`;

/** A policy that somebody bound. */
export interface BoundPolicy {
  readonly policy: ValidatingPolicy;
  /** In order of their names. */
  readonly bindings: readonly PolicyBinding[];
  /** Compiled when the first request comes that it is about. */
  readonly program: () => Promise<PolicyProgram>;
  readonly conditions: () => Promise<MatchConditions>;
}

const byName = <T extends { readonly name: string }>(things: Iterable<T>): T[] =>
  [...things].toSorted((a, b) => (a.name < b.name ? -1 : 1));

export class PolicyIndex {
  readonly #logger: Logger;
  readonly #changed: () => void;
  readonly #policies = new Map<string, BoundPolicy>();
  readonly #bindings = new Map<string, PolicyBinding>();
  readonly #subscriptions: readonly Subscription[];
  #bound: readonly BoundPolicy[] = [];

  /** @param changed whenever there are others */
  constructor(store: Store, logger: Logger, changed: () => void) {
    this.#logger = logger;
    this.#changed = changed;
    this.#subscriptions = [
      this.#follow(store, POLICIES, this.#policies, (object) => unbound(readPolicy(object))),
      this.#follow(store, BINDINGS, this.#bindings, readBinding),
    ];
    this.#bind();
  }

  /** Those with a binding, in order of their names. */
  get bound(): readonly BoundPolicy[] {
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

function unbound(policy: ValidatingPolicy): BoundPolicy {
  let program: Promise<PolicyProgram> | undefined;
  let conditions: Promise<MatchConditions> | undefined;
  const load = (): Promise<PolicyProgram> => (program ??= PolicyProgram.load(policy));
  return {
    policy,
    bindings: [],
    program: load,
    conditions: () =>
      (conditions ??= load().then(
        ({ types }) => new MatchConditions(policy.conditions, policy.failsOpen, types),
      )),
  };
}
