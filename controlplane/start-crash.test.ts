// kill -9 of the whole server under load, again and again: whatever a client was told over HTTPS is so afterwards.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { CONFIG_MAPS, call, configMap } from './control-plane-fixture.ts';
import { startServerProcess } from './process-fixture.ts';
import type { ServerProcess } from './process-fixture.ts';

const ROUNDS = 5;
const WRITERS = 12;

/** What one writer knows of its object. */
interface Belief {
  /** Of the last acknowledged write; 0 when that was a deletion. */
  revision: number;
  mark: string;
  /** Of a write that was sent and not answered: it may or may not be there. `deleted` for a deletion. */
  pending: string | undefined;
}

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data: { readonly mark: string };
}

class Load {
  readonly beliefs = new Map<string, Belief>();
  acknowledged = 0;
  refused = 0;
  newest = 0;
  #goal: { readonly count: number; readonly reached: () => void } | undefined;

  /** Resolves when so many writes have been acknowledged. */
  reached(count: number): Promise<void> {
    return new Promise((reached) => (this.#goal = { count, reached }));
  }

  /** Creates, updates (once rightly, once with a revision that is gone) and deletes, until the server is no more. */
  async run(server: ServerProcess, round: number, writer: number): Promise<void> {
    try {
      for (let n = 0; ; n += 1) {
        const name = `r${round}-w${writer}-${n}`;
        const belief: Belief = { revision: 0, mark: '', pending: undefined };
        this.beliefs.set(name, belief);
        await this.#write(server, belief, 'POST', name, 'created');
        const { revision } = belief;
        await this.#write(server, belief, 'PUT', name, 'updated', revision);
        const stale = body(name, 'refused', revision);
        const answer = await call(server.url, server.admin, 'PUT', `${CONFIG_MAPS}/${name}`, stale);
        assert.equal(answer.code, 409);
        this.refused += 1;
        if (n % 3 === 0) await this.#write(server, belief, 'DELETE', name, 'deleted');
      }
    } catch (error) {
      // A connection that broke is what the test is about.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      if (error instanceof assert.AssertionError) throw error;
    }
  }

  async #write(
    server: ServerProcess,
    belief: Belief,
    method: string,
    name: string,
    mark: string,
    revision?: number,
  ): Promise<void> {
    belief.pending = mark;
    const url = method === 'POST' ? CONFIG_MAPS : `${CONFIG_MAPS}/${name}`;
    const content = method === 'DELETE' ? undefined : body(name, mark, revision);
    const answer = await call(server.url, server.admin, method, url, content);
    assert.ok(answer.code === 200 || answer.code === 201, answer.text);
    belief.pending = undefined;
    belief.mark = mark;
    belief.revision =
      method === 'DELETE' ? 0 : Number((answer.json as unknown as Stored).metadata.resourceVersion);
    this.newest = Math.max(this.newest, belief.revision);
    this.acknowledged += 1;
    if (this.acknowledged === this.#goal?.count) this.#goal.reached();
  }
}

function body(name: string, mark: string, revision?: number): Record<string, unknown> {
  const version = revision === undefined ? {} : { resourceVersion: String(revision) };
  return configMap(name, { metadata: { name, ...version }, data: { mark } });
}

async function verify(server: ServerProcess, load: Load): Promise<void> {
  const { json } = await call(server.url, server.admin, 'GET', CONFIG_MAPS);
  const { metadata, items } = json as unknown as {
    readonly metadata: { readonly resourceVersion: string };
    readonly items: readonly Stored[];
  };
  assert.ok(Number(metadata.resourceVersion) >= load.newest, 'the revision went back');
  const found = new Map(items.map((item) => [item.metadata.name, item]));
  for (const [name, belief] of load.beliefs) {
    const stored = found.get(name);
    found.delete(name);
    const mark = stored?.data.mark ?? (belief.mark === '' ? '' : 'deleted');
    const what = `${name}: ${mark} instead of ${JSON.stringify(belief)}`;
    if (mark !== belief.mark) assert.equal(mark, belief.pending, what);
    else if (stored !== undefined) {
      assert.equal(Number(stored.metadata.resourceVersion), belief.revision, what);
    }
    // From here on it is known.
    belief.pending = undefined;
    belief.mark = mark;
    belief.revision = Number(stored?.metadata.resourceVersion ?? 0);
  }
  assert.deepEqual([...found.keys()], [], 'objects that nobody wrote');
}

test('kill -9 under load loses nothing that was acknowledged, over many restarts', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'windlass-crash-'));
  const dataDir = path.join(folder, 'data');
  const load = new Load();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const server = await startServerProcess(dataDir);
      await verify(server, load);
      const goal = load.acknowledged + 100 + round * 83;
      const writers = Array.from({ length: WRITERS }, (_, writer) =>
        load.run(server, round, writer),
      );
      await load.reached(goal);
      await Promise.all([server.kill(), ...writers]);
    }
    const server = await startServerProcess(dataDir);
    await verify(server, load);
    await server.kill();
    assert.ok(load.refused > 0 && load.acknowledged > 100 * ROUNDS);
  } finally {
    await rm(folder, { recursive: true });
  }
});
