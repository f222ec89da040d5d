// Where the addresses of names come from, by what this machine lets us have. See docs/adr/0007.
import { addLoopbackAddress, removeLoopbackAddress } from '../../runtimes/loopback-address.ts';

export interface NameFront {
  /** How many addresses there are. */
  readonly size: number;
  readonly addressOf: (index: number) => string;
  /** Each service has an address, so that its declared ports can be had. Otherwise all share one, and only ports tell them apart. */
  readonly hasAddresses: boolean;
  /** Makes an address one of this machine. @throws Error when that is not allowed */
  prepare(address: string): Promise<void>;
  release(address: string): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

/** 127.64.0.1 to 127.127.255.254: Linux lets anybody use them; seen by this machine only. */
export const loopbackFront: NameFront = {
  size: 2 ** 22 - 2,
  addressOf: (index) => dotted(((127 << 24) | (64 << 16)) + index + 1),
  hasAddresses: true,
  prepare: nothing,
  release: nothing,
};

/** 198.18.0.1 to 198.18.255.254, put on `lo` as they are needed: containers reach them through their gateway. Needs root. */
export const interfaceFront: NameFront = {
  size: 2 ** 16 - 2,
  addressOf: (index) => dotted(198 * 2 ** 24 + (18 << 16) + index + 1),
  hasAddresses: true,
  prepare: addLoopbackAddress,
  release: removeLoopbackAddress,
};

/** One address for all. */
export function sharedFront(address: string): NameFront {
  return {
    size: 2 ** 20,
    addressOf: () => address,
    hasAddresses: false,
    prepare: nothing,
    release: nothing,
  };
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
