// Worker threads that hang in a call of the operating system (a file server that does not answer). They cannot be ended, and Node
// waits for every thread before it exits: whoever ends the process has to know of them.
let stuck = 0;

/** Threads that hang right now. */
export function stuckThreads(): number {
  return stuck;
}

/** Counts one in; the returned function counts it out, once it has ended after all. */
export function addStuckThread(): () => void {
  stuck += 1;
  let isCounted = true;
  return () => {
    if (isCounted) stuck -= 1;
    isCounted = false;
  };
}
