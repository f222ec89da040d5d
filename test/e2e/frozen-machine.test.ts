// A machine that is frozen, its agent neither dead nor there, for longer than anybody waits for it, and goes on then as if nothing had been.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient } from '#controllers/machinery/client.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { PODS } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { processesBelow } from '../support/processes.ts';
import { LOST_MS, SECOND, TwoMachines } from '../support/two-machines.ts';
import type { PodList } from '../support/two-machines.ts';

const CLAIM = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', annotations: { 'volume.kubernetes.io/selected-node': SECOND } },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
};
const HASTE = ['unreachable', 'not-ready'].map((what) => ({
  key: `node.kubernetes.io/${what}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 1,
}));

interface ServiceOptions {
  /** Whether it moves as soon as its machine is silent. */
  readonly isHasty: boolean;
  readonly volumes?: readonly object[];
}

function service(
  name: string,
  replicas: number,
  { isHasty, volumes = [] }: ServiceOptions,
): object {
  const volumeMounts = volumes.map(() => ({ name: 'data', mountPath: '/data' }));
  return {
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Service',
    metadata: { name },
    spec: {
      replicas,
      volumes,
      updateStrategy: { monitorPeriod: '0s' },
      template: {
        spec: {
          terminationGracePeriodSeconds: 1,
          ...(isHasty ? { tolerations: HASTE } : {}),
          containers: [{ name: 'c', image: 'none', command: ['sleep', '100000'], volumeMounts }],
        },
      },
    },
  };
}

/** Everything that happens to Pods, from their watch. */
async function watchPods(t: { after(hook: () => Promise<void>): void }, kubeconfig: string) {
  const client = new HttpClient({
    connection: await loadConnection(kubeconfig),
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: 'windlass-test',
    random: Math.random,
  });
  const ended = new AbortController();
  const options = { client, clock: systemClock, logger: silentLogger, random: Math.random };
  const pods = new Informer({ ...options, resource: PODS });
  /** Names of Pods that were ever there. */
  const seen = new Set<string>();
  pods.onChange(({ object }) => void seen.add(object.metadata.name));
  const running = pods.run(ended.signal);
  t.after(async () => {
    ended.abort(new Error('the test is over'));
    await running;
    await client[Symbol.asyncDispose]();
  });
  await pods.synced(ended.signal);
  return { seen };
}

test(
  'a frozen machine loses its instances, but for those with a volume there; when it goes on, what is too much goes and nothing else',
  needs(missingKubectl()),
  async (t) => {
    const machines = await TwoMachines.start(t);
    const { kubectl, first } = machines;
    const { seen } = await watchPods(t, machines.up.kubeconfig);
    const list = async (name: string): Promise<PodList['items']> => {
      const selector = `windlass.dev/service=${name}`;
      return (await kubectl.json<PodList>(['get', 'pods', '-l', selector])).items;
    };
    const staying = async (name: string): Promise<PodList['items']> =>
      (await list(name)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const namesOf = (pods: PodList['items']): readonly string[] =>
      pods.map(({ metadata }) => metadata.name).toSorted();
    const nodesOf = async (name: string): Promise<readonly string[]> =>
      (await staying(name))
        .filter(({ status }) =>
          status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
        )
        .map(({ spec }) => spec.nodeName ?? '')
        .toSorted();
    const items = [
      CLAIM,
      service('kept', 1, { isHasty: true, volumes: [{ name: 'data' }] }),
      service('hasty', 4, { isHasty: true }),
      service('calm', 2, { isHasty: false }),
    ];
    await kubectl.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const both = [first, SECOND].toSorted();
    await eventually('all are there', async () => {
      assert.deepEqual(await nodesOf('kept'), [SECOND]);
      assert.deepEqual(await nodesOf('hasty'), [...both, ...both].toSorted());
      assert.deepEqual(await nodesOf('calm'), both);
    });
    const before = processesBelow(machines.folder);
    assert.equal(before.length, 4);
    const kept = await list('kept');

    machines.freeze();
    await eventually(
      'what may move has moved',
      async () => assert.deepEqual(await nodesOf('hasty'), [first, first, first, first]),
      LOST_MS,
    );
    assert.match(await kubectl.ok(['get', 'node', SECOND]), /NotReady/);
    await eventually('it is said why the other one stays', async () => {
      const of = `involvedObject.name=${kept[0]?.metadata.name}`;
      assert.match(await kubectl.ok(['get', 'events', '--field-selector', of]), /KeptForVolume/);
    });
    // Of one that serves and one that nobody hears of, the latter is too much.
    const calm = (await list('calm')).filter(({ spec }) => spec.nodeName === first);
    await kubectl.ok(['scale', 'wsvc', 'calm', '--replicas=1']);
    await eventually('the silent one goes', async () =>
      assert.deepEqual(namesOf(await staying('calm')), namesOf(calm)),
    );
    assert.deepEqual(processesBelow(machines.folder), before, 'it does not know of it yet');
    const stay = [...(await staying('hasty')), ...calm, ...kept];
    const known = seen.size;

    machines.thaw();
    await kubectl.ok(['wait', '--for=condition=Ready', 'node', SECOND, '--timeout=120s']);
    await eventually('what was too much is gone', async () => {
      const { items: all } = await kubectl.json<PodList>(['get', 'pods']);
      assert.deepEqual(namesOf(all), namesOf(stay));
      assert.equal(processesBelow(machines.folder).length, 1);
    });
    await eventually('what stayed is ready again', async () =>
      assert.deepEqual(await nodesOf('kept'), [SECOND]),
    );
    const [same] = await list('kept');
    assert.equal(same?.metadata.uid, kept[0]?.metadata.uid);
    assert.equal(same?.status.containerStatuses?.[0]?.restartCount, 0);
    assert.ok(before.includes(processesBelow(machines.folder)[0] ?? 0), 'the process is the same');
    assert.equal(seen.size, known, 'nothing was started for it');
    assert.deepEqual(
      [...seen].filter((name) => name.startsWith('kept-')),
      namesOf(kept),
      'there never was a second one with the volume',
    );
  },
);
