// Randomness of tests: seeded, so that a failure can be played again. WINDLASS_TEST_SEED sets the seed.

export interface Random {
  readonly seed: number;
  /** A whole number from 0 up to, not including, `below`. */
  next(below: number): number;
}

/** A small generator (mulberry32): even enough for choosing offsets and moments. */
export function seededRandom(seed = seedOfRun()): Random {
  let state = seed >>> 0;
  return {
    seed,
    next(below) {
      state = (state + 0x6d_2b_79_f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
    },
  };
}

function seedOfRun(): number {
  const asked = Number(process.env['WINDLASS_TEST_SEED']);
  return Number.isSafeInteger(asked) && asked > 0 ? asked : (Date.now() % 1_000_000) + 1;
}
