// One process at a time works on an entry of the store: a file with the holder's id in it, touched while it is held. A holder that
// died is noticed by its process id on this machine, and by the age of its last touch anywhere. Two holders at once (one was
// suspended for long) fetch twice and harm nothing: each has files of its own, and what gets its name was verified.
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { jsonFields } from '#platform/json-fields.ts';

const TOUCH_MS = 5_000;
const STALE_MS = 30_000;
const LOOK_AGAIN_MS = 100;

export interface LockOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
}

/** Waits for the lock; release it by disposal. @throws the file system's error, or the signal's reason */
export async function lockFile(
  path: string,
  options: LockOptions,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const { clock, ids } = options;
  const token = ids.hex(16);
  const content = JSON.stringify({ process: process.pid, host: hostname(), token });
  for (;;) {
    signal.throwIfAborted();
    if (await create(path, content, token)) return hold(path, content, clock);
    await removeStale(path, token, clock);
    if (await create(path, content, token)) return hold(path, content, clock);
    await sleep(clock, LOOK_AGAIN_MS, signal);
  }
}

function hold(path: string, content: string, clock: Clock): AsyncDisposable {
  const touch = async (): Promise<void> => {
    // Somebody who took us for dead holds it now: leave theirs alone.
    if ((await readFile(path, 'utf8')) !== content) return;
    const seconds = clock.now() / 1000;
    await utimes(path, seconds, seconds);
  };
  let cancel = (): void => undefined;
  const later = (): void => {
    cancel = clock.schedule(TOUCH_MS, () => {
      touch().then(later, () => undefined);
    });
  };
  later();
  let isReleased = false;
  return {
    async [Symbol.asyncDispose]() {
      cancel();
      if (isReleased) return;
      isReleased = true;
      const found = await readFile(path, 'utf8').catch(() => '');
      if (found === content) await rm(path, { force: true });
    },
  };
}

/** With its content from the first moment: a holder that is killed at any time can be told from a living one. */
async function create(path: string, content: string, token: string): Promise<boolean> {
  const own = `${path}.${token}.new`;
  await writeFile(own, content, { mode: 0o600 });
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function removeStale(path: string, token: string, clock: Clock): Promise<void> {
  const seen = await readFile(path, 'utf8').catch(() => undefined);
  const info = await stat(path).catch(() => undefined);
  if (seen === undefined || info === undefined) return;
  const isOld = clock.now() - info.mtimeMs > STALE_MS;
  if (!isOld && !isDead(seen)) return;
  const aside = `${path}.${token}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  // Between looking and moving, somebody else may have replaced it: theirs is put back.
  const moved = await readFile(aside, 'utf8').catch(() => '');
  if (moved !== seen) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** A process of this machine that is gone. */
function isDead(content: string): boolean {
  const { process: id, host } = jsonFields(content) ?? {};
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id <= 0 || host !== hostname())
    return false;
  try {
    process.kill(id, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
