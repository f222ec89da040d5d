// Threads that hang in a call of the operating system (a disk or a file server that does not answer). They cannot be ended, and Node
// waits for every thread before it exits: whoever ends the process has to know of them.
const stuck = new Set<{ readonly place: string }>();

/** What the threads wait for that hang right now, each as often as it has threads. */
export function stuckThreads(): readonly string[] {
  return [...stuck].map(({ place }) => place);
}

/**
 * Counts one in; the returned function counts it out, once it has ended after all.
 *
 * @param place what it waits for, without secrets
 */
export function addStuckThread(place: string): () => void {
  const entry = { place };
  stuck.add(entry);
  return () => void stuck.delete(entry);
}
