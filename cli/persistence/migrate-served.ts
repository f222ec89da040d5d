// `windlass migrate` while the server runs: the new instance is added as a replica, filled, and made the primary. Until that last step
// the old one is in charge, whatever ends this command; what was copied stays, and the next one goes on from there.
import { resolve } from 'node:path';
import type { HttpClient } from '#controllers/machinery/client.ts';
import { PERSISTENCE_INSTANCES } from '#controllers/machinery/resources.ts';
import { describePlace } from '#persistence/backup/describe-place.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import type { CommandIO } from '../command.ts';
import { withClient } from '../connect.ts';
import { CommandError } from '../usage-error.ts';
import { createBar } from './bar.ts';
import type { Bar } from './bar.ts';
import { FillWatch } from './fill-watch.ts';
import { servedInstance, servedInstances } from './log-source.ts';
import { promoted } from './promote.ts';

const LOOK_MS = 250;
/** For the end of the copy, which took as long as it took. */
const PROMOTION_SECONDS = 120;
const REQUEST_TIMEOUT_MS = 300_000;
/** The server gives up a place that does not answer after ten. */
const ADD_TIMEOUT_MS = 60_000;
const FAILED = new Set(['Diverged', 'Corrupt', 'Fenced']);

export interface ServedMigration {
  readonly from: string;
  readonly to: string;
  readonly dataDir: string;
  readonly isJSON: boolean;
}

/** Resolves with the exit code. @throws CommandError, PersistenceUrlError */
export function migrateServed(
  { from, to, dataDir, isJSON }: ServedMigration,
  io: CommandIO,
  signal: AbortSignal,
): Promise<number> {
  return withClient(
    { kubeconfig: undefined, 'data-dir': dataDir },
    'migrate',
    async (client) => {
      const old = await primaryAt(client, from, signal);
      const url = absolute(to);
      signal.throwIfAborted();
      // Not cut short: who stops waiting for the answer would not know of what there is to let go.
      const adding = AbortSignal.timeout(ADD_TIMEOUT_MS);
      const answer = await client.connect(
        PERSISTENCE_INSTANCES,
        '',
        old.name,
        'add',
        { url },
        adding,
      );
      const { name } = answer as { readonly name: string };
      const bar = createBar(io, 'migrating', isJSON);
      try {
        await whenFilled(client, name, bar, signal);
        const request = { name, seconds: PROMOTION_SECONDS, bar, signal };
        const { revision, epoch, heldMs } = await promoted(client, request);
        const { spec } = await servedInstance(client, name, signal);
        const result = { from: old.location, to: spec.location, revision, epoch, heldMs };
        io.out(isJSON ? `${JSON.stringify(result)}\n` : doneText(result, name, url));
        return 0;
      } catch (error) {
        throw await letGo(client, name, old.location, error, signal.aborted);
      } finally {
        bar.end();
      }
    },
    { requestTimeoutMs: REQUEST_TIMEOUT_MS },
  );
}

/** @throws CommandError when the server's primary is another one */
async function primaryAt(
  client: HttpClient,
  from: string,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly location: string }> {
  const { name } = await describePlace(from, systemClock);
  const [primary] = await servedInstances(client, signal);
  if (primary === undefined) throw new TypeError('A server has a primary');
  const { location } = primary.spec;
  if (primary.metadata.name === name) return { name, location };
  throw new CommandError(
    `--from ${from.replace(/\?.*$/s, '')} is not the primary of the server: that is ${location}`,
    'Give that one, or windlass persistence promote the one that you mean first.',
  );
}

/** The server may have another working directory. */
function absolute(url: string): string {
  const [, scheme, path] = /^(sqlite|nfs):(.+)$/s.exec(url) ?? [];
  return scheme === undefined || path === undefined ? url : `${scheme}:${resolve(path)}`;
}

async function whenFilled(
  client: HttpClient,
  name: string,
  bar: Bar,
  signal: AbortSignal,
): Promise<void> {
  const watch = new FillWatch();
  for (;;) {
    const { status } = await servedInstance(client, name, signal);
    const { revision, lagRevisions, state, lastError } = status;
    bar.update(revision, revision + lagRevisions, state);
    if (state === 'Up') return;
    const isGivenUp = watch.look(status, systemClock.monotonic());
    if (FAILED.has(state) || isGivenUp)
      throw new CommandError(`${name} is ${state}: ${lastError?.message ?? 'it cannot be filled'}`);
    await sleep(systemClock, LOOK_MS, signal);
  }
}

/** @returns what to say of it */
async function letGo(
  client: HttpClient,
  name: string,
  from: string,
  error: unknown,
  isCancelled: boolean,
): Promise<CommandError> {
  const own = AbortSignal.timeout(10_000);
  const why = isCancelled ? 'cancelled' : (error as Error).message;
  const isStill = await client.connect(PERSISTENCE_INSTANCES, '', name, 'remove', {}, own).then(
    () => true,
    () => false,
  );
  return isStill
    ? new CommandError(
        `Not migrated: ${why}`,
        `${from} is the primary as before; the same command again goes on with what was copied.`,
        { cause: error },
      )
    : new CommandError(
        `The migration was left half way: ${why}`,
        'windlass persistence status says which instance is the primary.',
        { cause: error },
      );
}

function doneText(
  {
    from,
    to,
    revision,
    heldMs,
  }: {
    readonly from: string;
    readonly to: string;
    readonly revision: number;
    readonly heldMs: number;
  },
  name: string,
  url: string,
): string {
  return [
    `${to} (${name}) is the primary, at revision ${revision}; writes waited ${Math.ceil(heldMs)} ms`,
    `start the server from now on with --persistence '${url}' in place of that of ${from}`,
    'it refuses to start without; the old instance follows until the server stops',
    '',
  ].join('\n');
}
