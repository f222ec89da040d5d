// A range of IPv4 addresses to give out one by one.
import { familyOf } from '#controlplane/api/ip-address.ts';

/** Addresses below this place in the range are for those who choose one, as upstream keeps them. */
const FIRST_GIVEN = 257;

const numberOf = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const textOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

export class AddressRange {
  /** As it was given: `10.96.0.0/12`. */
  readonly text: string;
  /** Where `nextFree` should begin. */
  readonly firstGiven = FIRST_GIVEN;
  readonly #base: number;
  readonly #size: number;

  /** @throws Error unless `text` is an IPv4 range in CIDR form with room for addresses to give out */
  constructor(text: string) {
    const [address = '', length = '', ...more] = text.split('/');
    const bits = 32 - Number(length);
    if (
      more.length > 0 ||
      familyOf(address) !== 4 ||
      !/^\d+$/.test(length) ||
      bits < 10 ||
      bits > 32
    ) {
      throw new Error(`Cannot give out addresses of ${text}: want a range such as 10.96.0.0/12`);
    }
    this.text = text;
    this.#size = 2 ** bits;
    this.#base = Math.floor(numberOf(address) / this.#size) * this.#size;
  }

  /** False for the first and last address too, which are no host's. */
  contains(address: string): boolean {
    if (familyOf(address) !== 4) return false;
    const place = numberOf(address) - this.#base;
    return place > 0 && place < this.#size - 1;
  }

  /** The next free one from `place` on, and where to look next; undefined when all are taken. */
  nextFree(
    place: number,
    taken: ReadonlySet<string>,
  ): { readonly address: string; readonly next: number } | undefined {
    for (let tried = 0, at = place; tried < this.#size; tried += 1, at += 1) {
      if (at >= this.#size - 1) at = 1;
      const address = textOf(this.#base + at);
      if (!taken.has(address)) return { address, next: at + 1 };
    }
    return undefined;
  }
}
