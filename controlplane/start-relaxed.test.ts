// kill -9 of a server that acknowledges Leases before they are durable: it may forget some of the last second, and nothing else.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { CONFIG_MAPS, call, configMap } from './control-plane-fixture.ts';
import { startServerProcess } from './process-fixture.ts';
import type { ServerProcess } from './process-fixture.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const folder = mkdtempSync(path.join(tmpdir(), 'windlass-relaxed-'));
after(() => rmSync(folder, { recursive: true }));

interface Meta {
  readonly name: string;
  readonly resourceVersion: string;
}

function lease(name: string, seconds: number, at: string): Record<string, unknown> {
  const metadata = at === '' ? { name } : { name, resourceVersion: at };
  const spec = { holderIdentity: 'me', leaseDurationSeconds: seconds };
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
}

function revisionOf(json: Record<string, unknown>): number {
  return Number((json['metadata'] as Meta).resourceVersion);
}

/** Writes until it is killed. @returns the revisions that were acknowledged, and the names of ConfigMaps */
async function writeAndKill(server: ServerProcess, round: number) {
  const { url, admin } = server;
  const revisions: number[] = [];
  const maps: string[] = [];
  const leases = async (name: string): Promise<void> => {
    let at = '';
    try {
      for (let n = 1; n <= 60; n += 1) {
        const [method, where] = n === 1 ? ['POST', LEASES] : ['PUT', `${LEASES}/${name}`];
        const { code, json } = await call(url, admin, method, where, lease(name, n, at));
        assert.ok(code === 200 || code === 201, JSON.stringify(json));
        revisions.push(revisionOf(json));
        at = String(revisionOf(json));
      }
    } finally {
      await server.kill();
    }
  };
  const durable = async (): Promise<void> => {
    for (let n = 0; ; n += 1) {
      const name = `m${round}-${n}`;
      const { code, json } = await call(url, admin, 'POST', CONFIG_MAPS, configMap(name));
      assert.equal(code, 201);
      revisions.push(revisionOf(json));
      maps.push(name);
    }
  };
  const lanes = [leases(`a${round}`), leases(`b${round}`), durable()];
  for (const lane of await Promise.allSettled(lanes)) {
    if (lane.status === 'rejected' && lane.reason instanceof assert.AssertionError)
      throw lane.reason;
  }
  return { revisions, maps };
}

test('kill -9 with --relaxed leases: no revision twice, nothing else lost, and what was lost is told', async () => {
  const dataDir = path.join(folder, 'data');
  const seen = new Set<number>();
  const kept: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const server = await startServerProcess(dataDir, ['coordination.k8s.io/leases']);
    const { revisions, maps } = await writeAndKill(server, round);
    for (const revision of revisions) {
      assert.ok(!seen.has(revision), `revision ${revision} was handed out twice`);
      seen.add(revision);
    }
    kept.push(...maps);
  }
  const newest = Math.max(...seen);
  const server = await startServerProcess(dataDir);
  try {
    const { url, admin } = server;
    const list = await call(url, admin, 'GET', CONFIG_MAPS);
    const found = new Set(
      (list.json['items'] as { metadata: Meta }[]).map(({ metadata }) => metadata.name),
    );
    assert.deepEqual(
      kept.filter((name) => !found.has(name)),
      [],
    );
    const made = await call(url, admin, 'POST', CONFIG_MAPS, configMap('after'));
    assert.ok(revisionOf(made.json) > newest);
    const leases = await call(url, admin, 'GET', LEASES);
    const newestLease = Math.max(
      ...(leases.json['items'] as { metadata: Meta }[]).map(({ metadata }) =>
        Number(metadata.resourceVersion),
      ),
    );
    assert.ok(newestLease <= newest);
    assert.ok(found.size > 0);
    // Who saw the very last revision may have seen what is gone, unless a durable write came after it.
    const lastDurable = Math.max(
      newestLease,
      ...(list.json['items'] as { metadata: Meta }[]).map(({ metadata }) =>
        Number(metadata.resourceVersion),
      ),
    );
    if (lastDurable < newest) {
      const watch = await call(
        url,
        admin,
        'GET',
        `${LEASES}?watch=true&timeoutSeconds=1&resourceVersion=${newest}`,
      );
      assert.match(watch.text, /"code":410/);
    }
  } finally {
    await server.stop();
  }
});
