import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { noArtifacts } from '../binaries/host-artifact.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { SimulatedHost } from '../hosts/sim/simulated-host.ts';
import { SimulatedMachine } from '../hosts/sim/simulated-machine.ts';
import { Slots } from '../hosts/slots.ts';
import type { ArtifactPlace } from './artifact-places.ts';
import { putArtifacts } from './stage-artifacts.ts';

test('hosts fetch no more files at a time than their Cluster says', async () => {
  const opening = Promise.withResolvers<void>();
  let active = 0;
  let most = 0;
  const fetching = (name: string): HostDriver => {
    const host = new SimulatedHost(new SimulatedMachine({ name, clock: systemClock }));
    host.exec = async () => {
      active += 1;
      most = Math.max(most, active);
      await opening.promise;
      active -= 1;
      return { exitCode: 22, stdout: '', stderr: 'curl: (22) not found' };
    };
    return host;
  };
  const downloads = new Slots(2);
  const artifacts = noArtifacts;
  const place: ArtifactPlace = {
    namespace: 'default',
    artifact: 'tool',
    type: 'File',
    digest: `sha256:${'0'.repeat(64)}`,
    mode: 0o755,
    path: '/opt/tool',
    target: '/opt/tool',
    delivery: {
      by: 'NodePull',
      sources: [{ url: 'https://releases.test/tool', headers: async () => ({}) }],
    },
  };
  const { signal: until } = new AbortController();
  const results = Array.from({ length: 7 }, (_, at) =>
    assert.rejects(
      putArtifacts(
        { host: fetching(`h${at}`), artifacts, ids: systemIds, workFolder: '/none', downloads },
        [place],
        until,
      ),
      /cannot fetch/,
    ),
  );
  for (let round = 0; round < 50; round += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(active, 2);
  opening.resolve();
  await Promise.all(results);
  assert.equal(most, 2);
});
