// Several jobs at a time, as many as the processors have room for.

export interface Job<T> {
  /** Processors that it keeps busy, about: 0.2 for one that mostly waits. */
  readonly load: number;
  readonly run: () => Promise<T>;
}

/** Starts the first job that there is room for, whenever there is room; one that is larger than all the room runs alone. */
export async function runWithin<T>(room: number, jobs: readonly Job<T>[]): Promise<readonly T[]> {
  const waiting = [...jobs.entries()];
  const results: T[] = [];
  const running = new Map<number, Promise<void>>();
  let used = 0;
  while (waiting.length > 0 || running.size > 0) {
    // Sums of tenths are not exact.
    const next = waiting.findIndex(
      ([, { load }]) => running.size === 0 || used + load < room + 0.01,
    );
    const [found] = next < 0 ? [] : waiting.splice(next, 1);
    if (found === undefined) {
      await Promise.race(running.values());
      continue;
    }
    const [index, { load, run }] = found;
    used += load;
    const done = run().then((result) => {
      results[index] = result;
      used -= load;
      running.delete(index);
    });
    running.set(index, done);
  }
  return results;
}
