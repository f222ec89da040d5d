// Which events are told one by one, and which together: the first messages of one kind about one object are each worth reading, the
// thousandth is not worth a write. After client-go's EventAggregator, with its numbers. Pure.

/** About one object, of one type and for one reason. */
interface Group {
  readonly messages: Set<string>;
  /** Of the newest event, in ms. */
  at: number;
}

/** Different messages that are told one by one. */
export const SINGLE_MESSAGES = 10;
/** After so long without an event a group is forgotten. */
const FORGET_MS = 10 * 60_000;
const MAXIMUM_GROUPS = 4_096;

export class EventGroups {
  readonly #groups = new Map<string, Group>();

  /** True for an event that is only to be counted with others of its group. @param at time in ms */
  isCombined(group: string, message: string, at: number): boolean {
    const { messages } = this.#touch(group, at);
    if (messages.has(message)) return false;
    if (messages.size >= SINGLE_MESSAGES) return true;
    messages.add(message);
    return false;
  }

  #touch(key: string, at: number): Group {
    const known = this.#groups.get(key);
    if (known !== undefined && at - known.at <= FORGET_MS) {
      known.at = at;
      return known;
    }
    const group = { messages: new Set<string>(), at };
    if (this.#groups.size >= MAXIMUM_GROUPS) {
      const oldest = this.#groups.keys().next();
      if (oldest.done !== true) this.#groups.delete(oldest.value);
    }
    this.#groups.delete(key);
    this.#groups.set(key, group);
    return group;
  }
}
