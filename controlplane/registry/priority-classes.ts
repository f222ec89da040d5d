// PriorityClasses as new Pods meet them: a name becomes a number, no name that of the default. Kept as classes come and go, since every
// Pod asks.
import { forbidden } from '#controlplane/api/errors.ts';
import { isObject, numberAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Store, StoredObject, Subscription } from '#controlplane/store/types.ts';
import { storedJSON } from './objects.ts';

const CLASSES = 'scheduling.k8s.io/priorityclasses';
const POD = { group: '', resource: 'pods', kind: 'Pod' };
const CLASS = { group: 'scheduling.k8s.io', resource: 'priorityclasses', kind: 'PriorityClass' };

interface PriorityClass {
  readonly name: string;
  readonly value: number;
  readonly preemptionPolicy: string;
  readonly isDefault: boolean;
}

const NONE: PriorityClass = {
  name: '',
  value: 0,
  preemptionPolicy: 'PreemptLowerPriority',
  isDefault: false,
};

export class PriorityClasses {
  readonly #store: Store;
  readonly #classes = new Map<string, PriorityClass>();
  #default = NONE;
  #subscription: Subscription | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  start(): void {
    const { items, revision } = this.#store.list(CLASSES, {});
    for (const stored of items) this.#learn(stored);
    this.#subscription = this.#store.watch(CLASSES, revision, {
      events: (events) => {
        for (const { type, object } of events) {
          if (type === 'DELETED') this.#classes.delete(object.name);
          else this.#learn(object);
        }
        this.#choose();
      },
      closed: () => undefined,
    });
    this.#choose();
  }

  close(): void {
    this.#subscription?.close();
  }

  /**
   * Gives a new Pod its priority.
   *
   * @throws ApiError Forbidden for a class that is not there, or numbers of the client's own
   */
  assign(pod: KubernetesObject): void {
    const spec = pod['spec'];
    if (!isObject(spec)) return;
    const { name = '' } = pod.metadata;
    const wanted = stringAt(spec, 'priorityClassName');
    const found = wanted === '' ? this.#default : this.#classes.get(wanted);
    if (found === undefined) {
      throw forbidden(POD, name, `no PriorityClass with name ${wanted} was found`);
    }
    if (found.name !== '') spec['priorityClassName'] = found.name;
    const { priority, preemptionPolicy } = spec;
    const computed = 'priority admission controller computed';
    if (priority !== undefined && priority !== found.value) {
      throw forbidden(
        POD,
        name,
        `the integer value of priority (${numberAt(spec, 'priority')}) must not be provided in pod spec; ${computed} ${found.value} from the given PriorityClass name`,
      );
    }
    if (preemptionPolicy !== undefined && preemptionPolicy !== found.preemptionPolicy) {
      throw forbidden(
        POD,
        name,
        `the string value of PreemptionPolicy (${stringAt(spec, 'preemptionPolicy')}) must not be provided in pod spec; ${computed} ${found.preemptionPolicy} from the given PriorityClass name`,
      );
    }
    spec['priority'] = found.value;
    spec['preemptionPolicy'] = found.preemptionPolicy;
  }

  /** @throws ApiError Forbidden for a second default */
  admitClass(object: KubernetesObject): void {
    if (object['globalDefault'] !== true) return;
    const { name = '' } = object.metadata;
    const other = this.#default;
    if (other.name === '' || other.name === name) return;
    throw forbidden(
      CLASS,
      name,
      `PriorityClass ${other.name} is already marked as default. Only one default can exist`,
    );
  }

  #learn(stored: StoredObject): void {
    const object = storedJSON(stored);
    this.#classes.set(stored.name, {
      name: stored.name,
      value: numberAt(object, 'value'),
      preemptionPolicy: stringAt(object, 'preemptionPolicy') || NONE.preemptionPolicy,
      isDefault: isObject(object) && object['globalDefault'] === true,
    });
  }

  /** Two that were made at the same moment: the lower counts, as upstream. */
  #choose(): void {
    const all = [...this.#classes.values()].filter(({ isDefault }) => isDefault);
    [this.#default = NONE] = all.toSorted(
      (a, b) => a.value - b.value || (a.name < b.name ? -1 : 1),
    );
  }
}
