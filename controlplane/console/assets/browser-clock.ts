// Time, as the browser has it: the one place of the console that asks for it or waits, so that what computes can be tested without.

export interface BrowserClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once; the result takes that back. */
  later(delayMs: number, callback: () => void): () => void;
}

export const browserClock: BrowserClock = {
  // oxlint-disable-next-line no-restricted-properties -- this is the clock
  now: () => Date.now(),
  later(delayMs, callback) {
    // oxlint-disable-next-line no-restricted-globals -- this is the clock
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
