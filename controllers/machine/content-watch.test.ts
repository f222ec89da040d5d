import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noArtifacts } from '../binaries/host-artifact.ts';
import type { HostArtifact, HostArtifacts } from '../binaries/host-artifact.ts';
import { ContentWatch } from './content-watch.ts';
import { contentWords, machineContent } from './machine-content.ts';
import type { Machine, MachineSpec, MachineStatus } from './types.ts';

const { signal } = new AbortController();
const ONE = `sha256:${'1'.repeat(64)}`;
const TWO = `sha256:${'2'.repeat(64)}`;

class Artifacts {
  /** Undefined: not fetched yet. */
  digest: string | undefined = ONE;
  asked = 0;

  readonly host: HostArtifacts = {
    ...noArtifacts,
    find: async () => {
      this.asked += 1;
      const { digest } = this;
      if (digest === undefined) return { pending: 'not fetched yet' };
      const about = { type: 'File', mode: undefined, installPath: '/opt/tool' } as const;
      return { ...about, digest, delivery: { by: 'Upload' } } satisfies HostArtifact;
    },
  };
}

function machine(spec: MachineSpec, status: MachineStatus = {}): Machine {
  const metadata: Machine['metadata'] = {
    name: 'm',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '',
  };
  return { metadata, spec, status };
}

const SPEC: MachineSpec = { artifacts: [{ name: 'tool' }] };

async function hashNow(artifacts: Artifacts): Promise<string> {
  const found = await machineContent(artifacts.host, machine(SPEC), signal);
  assert.ok('hash' in found);
  return found.hash;
}

test('who is noted, or due, is compared once; who has what there is is not noted any more', async () => {
  const artifacts = new Artifacts();
  const watch = new ContentWatch(artifacts.host);
  const settled = machine(SPEC, { contentHash: await hashNow(artifacts) });
  artifacts.asked = 0;
  assert.equal(await watch.changeOf('k', settled, false, signal), undefined);
  assert.equal(artifacts.asked, 0, 'nobody noted it');
  watch.note('k');
  assert.equal(await watch.changeOf('k', settled, false, signal), undefined);
  assert.equal(await watch.changeOf('k', settled, false, signal), undefined);
  assert.equal(artifacts.asked, 1);
  artifacts.digest = TWO;
  const staged = [{ artifact: 'tool', path: '/opt/tool', digest: ONE }];
  const changed = await watch.changeOf('k', settled, true, signal);
  assert.ok(changed !== undefined);
  assert.deepEqual(contentWords(machine(SPEC, { staged }), changed), [
    'artifact tool sha256:111111111111 → sha256:222222222222',
  ]);
  assert.ok((await watch.changeOf('k', settled, false, signal)) !== undefined, 'until it has it');
  const there = machine(SPEC, { contentHash: changed.hash });
  assert.equal(await watch.changeOf('k', there, false, signal), undefined);
});

test('what cannot be said, or is stopped, begins nothing; what is on its way is compared with that', async () => {
  const artifacts = new Artifacts();
  const watch = new ContentWatch(artifacts.host);
  const first = await hashNow(artifacts);
  artifacts.digest = TWO;
  const second = await hashNow(artifacts);
  const due = (spec: MachineSpec, status: MachineStatus): Promise<unknown> =>
    watch.changeOf('k', machine(spec, status), true, signal);
  assert.equal(await due({ ...SPEC, powerState: 'Stopped' }, { contentHash: first }), undefined);
  assert.equal(await due(SPEC, { contentHash: first, isHeldStopped: true }), undefined);
  const run = { specHash: 's', slot: 'b', direction: 'Forward' } as const;
  assert.equal(await due(SPEC, { contentHash: first, run }), undefined, 'it is about to look');
  const resolved = { ...run, goalHash: 'g', contentHash: second };
  assert.equal(await due(SPEC, { contentHash: first, run: resolved }), undefined);
  artifacts.digest = undefined;
  assert.equal(await due(SPEC, { contentHash: first }), undefined);
  assert.equal(await due({ version: '1' }, {}), undefined, 'it names nothing');
});
