// Who among those that mutate is asked a second time, as upstream: those that want it (reinvocationPolicy: IfNeeded) and were asked
// before somebody changed the object.
import type { KubernetesObject } from '../api/object.ts';
import { equalJson } from '../api/schema/json-value.ts';

/** 0, then 1 for the second and last. */
export type Round = 0 | 1;

/** What is remembered of one request between its rounds, of one sort of those who mutate. */
export class Reinvocation {
  /** Those that were asked, and want to be again when somebody changes the object after them. */
  #mayReturn = new Set<string>();
  readonly #returning = new Set<string>();
  #lastOutput: KubernetesObject | undefined;
  #isChanged = false;

  /** After the first round: whether everything that mutates is to be asked again. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  begin(round: Round, object: KubernetesObject | undefined): void {
    // What others changed since: then those that saw it before see it again.
    if (round === 1 && !equalJson(object, this.#lastOutput)) this.#recall();
  }

  isDue(round: Round, key: string): boolean {
    return round === 0 || this.#returning.has(key);
  }

  changed(): void {
    this.#isChanged = true;
    this.#recall();
  }

  /** @param returns it wants to be asked again */
  asked(key: string, returns: boolean): void {
    if (returns) this.#mayReturn.add(key);
  }

  end(object: KubernetesObject | undefined): void {
    this.#lastOutput = object;
  }

  #recall(): void {
    for (const key of this.#mayReturn) this.#returning.add(key);
    this.#mayReturn = new Set();
  }
}
