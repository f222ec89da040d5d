// InfraProviders against the real control plane, with nodes that are processes of this machine.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { throwFailures } from '#controllers/infrastructure/each-node.ts';
import { openInfraProvider } from '#controllers/infra-provider/open-infra-provider.ts';
import type { InfraProvider } from '#controllers/infra-provider/types.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { EVENTS, INFRA_PROVIDERS, SECRETS } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

const MISSING = process.platform === 'linux' ? false : 'nodes as processes need Linux';

async function read(plane: TestControlPlane, name: string): Promise<InfraProvider> {
  return plane.client.get<InfraProvider>(INFRA_PROVIDERS, 'default', name, plane.signal);
}

function create(plane: TestControlPlane, name: string, spec: object): Promise<InfraProvider> {
  return plane.client.create<InfraProvider>(
    INFRA_PROVIDERS,
    'default',
    { metadata: { name }, spec },
    plane.signal,
  );
}

/** Waits for a condition of the present generation. */
function condition(
  plane: TestControlPlane,
  name: string,
  type: string,
  status: string,
): Promise<{
  readonly provider: InfraProvider;
  readonly reason: string;
  readonly message: string;
}> {
  return eventually(`${name}: ${type}=${status}`, async () => {
    const provider = await read(plane, name);
    const found = provider.status?.conditions?.find((one) => one.type === type);
    assert.equal(found?.observedGeneration, provider.metadata.generation);
    assert.equal(found?.status, status, `${found?.reason} ${found?.message}`);
    return { provider, reason: found.reason, message: found.message };
  });
}

test(
  'a provider says whether it answers, what it has, and whose it is',
  { skip: MISSING },
  async (t) => {
    const plane = await TestControlPlane.start(t);
    const stop = await plane.controllers(['infra-provider']);
    const folder = tempDir();
    const settings = {
      stateDirectory: join(folder, 'nodes'),
      stopGraceSeconds: '0',
      command: '["sleep","600"]',
    };
    await create(plane, 'here', { type: 'Local', settings });
    const { provider: empty } = await condition(plane, 'here', 'Available', 'True');
    assert.deepEqual(empty.status?.capabilities, ['createNodes', 'deleteNodes', 'power']);
    assert.deepEqual([empty.status?.clusters, empty.status?.orphans], [[], []]);

    const parts = { clock: systemClock, ids: systemIds, simWorlds: new Map() };
    const infrastructure = await openInfraProvider(plane.client, empty, parts, plane.signal);
    const lost = { name: 'lost', uid: 'no-such-cluster' };
    t.after(async () => {
      await infrastructure.deleteNodes(lost, AbortSignal.timeout(60_000));
      await rm(folder, { recursive: true, force: true });
    });
    const node = { name: 'lost-1', machineUID: 'machine-1', pool: 'main', role: 'worker' };
    throwFailures('create', await infrastructure.createNodes(lost, [node], plane.signal));
    // A change of the spec is a reason to look at once.
    const spec = { limits: { parallel: 3 } };
    await plane.client.patch(
      INFRA_PROVIDERS,
      'default',
      'here',
      '',
      'merge',
      { spec },
      plane.signal,
    );
    const seen = await eventually('the orphan is seen', async () => {
      const provider = await read(plane, 'here');
      assert.deepEqual(provider.status?.orphans, [
        { name: 'lost-1', cluster: 'lost', clusterUID: 'no-such-cluster' },
      ]);
      return provider;
    });
    assert.deepEqual(seen.status?.clusters, [
      {
        name: 'lost',
        uid: 'no-such-cluster',
        owned: false,
        phase: 'running',
        nodesTotal: 1,
        nodesReady: 1,
      },
    ]);
    await eventually('an event names it', async () => {
      const { items } = await plane.client.list<
        ApiObject & { readonly reason: string; readonly message: string }
      >(EVENTS, { namespace: 'default' }, plane.signal);
      assert.ok(
        items.some(({ reason, message }) => reason === 'OrphansFound' && /lost-1/.test(message)),
      );
    });

    // Whoever comes after looks again, and has nothing to write.
    await stop();
    await plane.controllers(['infra-provider']);
    await create(plane, 'marker', { type: 'Sim' });
    await condition(plane, 'marker', 'Ready', 'True');
    await create(plane, 'marker-2', { type: 'SSH' });
    await condition(plane, 'marker-2', 'Ready', 'True');
    const settled = await read(plane, 'here');
    assert.equal(settled.metadata.resourceVersion, seen.metadata.resourceVersion);
  },
);

test('the example is accepted as it is, and each of its providers is judged', async (t) => {
  const plane = await TestControlPlane.start(t);
  await plane.controllers(['infra-provider']);
  const file = join(projectRoot, 'deploy', 'examples', 'infra-provider', 'providers.yaml');
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const object = document.toJS() as object;
    await plane.client.create(INFRA_PROVIDERS, 'default', object, plane.signal);
  }
  await condition(plane, 'here', 'Ready', 'True');
  // Whether this machine has an Engine is not ours to say; that it was judged is.
  await eventually('engine is judged', async () => {
    const { status } = await read(plane, 'engine');
    assert.ok(
      status?.conditions?.some(({ type, status: is }) => type === 'Available' && is !== 'Unknown'),
    );
  });
});

test('what cannot be used says why, by condition and by refusal', async (t) => {
  const plane = await TestControlPlane.start(t);
  await plane.controllers(['infra-provider']);
  await create(plane, 'nobody', { type: 'Docker', endpoint: 'unix:///nonexistent/docker.sock' });
  const away = await condition(plane, 'nobody', 'Available', 'False');
  assert.equal(away.reason, 'ProviderUnavailable');
  assert.match(away.message, /\/nonexistent\/docker\.sock/);

  await create(plane, 'scheme', { type: 'Sim', labelScheme: 'typo' });
  assert.equal(
    (await condition(plane, 'scheme', 'Available', 'False')).reason,
    'UnknownLabelScheme',
  );

  await create(plane, 'setting', { type: 'Local', settings: { stateDirectory: 'here' } });
  const invalid = await condition(plane, 'setting', 'Ready', 'False');
  assert.equal(invalid.reason, 'InvalidRequest');
  assert.match(invalid.message, /settings\.stateDirectory: "here"/);

  const cloud = {
    type: 'Hetzner',
    endpoint: 'http://127.0.0.1:9/v1',
    credentialsSecretRef: { name: 'cloud' },
  };
  await create(plane, 'cloud', cloud);
  const without = await condition(plane, 'cloud', 'CredentialsValid', 'False');
  assert.match(without.message, /there is no Secret default\/cloud/);
  const secret = { metadata: { name: 'cloud' }, stringData: { wrong: 'x' } };
  await plane.client.create(SECRETS, 'default', secret, plane.signal);
  const touch = { spec: { limits: { parallel: 2 } } };
  await plane.client.patch(INFRA_PROVIDERS, 'default', 'cloud', '', 'merge', touch, plane.signal);
  await eventually('the key is named', async () => {
    const { message } = await condition(plane, 'cloud', 'CredentialsValid', 'False');
    assert.match(message, /has nothing in key "token"/);
  });

  await assert.rejects(
    create(plane, 'bare', { type: 'Hetzner' }),
    /credentialsSecretRef: types Hetzner and Omni need one/,
  );
  await assert.rejects(
    create(plane, 'bare', { type: 'Local' }),
    /stateDirectory: type Local needs/,
  );
  const other = { spec: { type: 'Docker' } };
  await assert.rejects(
    plane.client.patch(INFRA_PROVIDERS, 'default', 'scheme', '', 'merge', other, plane.signal),
    /spec\.type cannot be changed/,
  );
});
