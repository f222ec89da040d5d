// The service controller on a server that is not ours: Kubernetes' own kube-apiserver, with the permissions of deploy/kubernetes and
// nothing more. Kubelets and scheduler are doubles; the controllers run as processes of their own, two of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import {
  CONFIG_MAPS,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  SERVICES,
} from '#controllers/machinery/resources.ts';
import { eventually } from '../support/eventually.ts';
import { ForeignCluster } from '../support/foreign-cluster.ts';
import { missingForeignServer } from '../support/foreign-server.ts';
import { missingKubectl } from '../support/kubectl.ts';
import { templateOf } from '../support/service-bench.ts';
import type { TestService } from '../support/service-bench.ts';
import { projectRoot } from '../support/windlass.ts';

const QUICKLY = { monitorPeriod: '0s', progressDeadline: '60s', maxParallel: 4 };

/** By digest, so that no registry is asked. */
function pinned(name: string): string {
  return `${name}@sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`;
}

const [V1, V2, V3, BROKEN] = [pinned('v1'), pinned('v2'), pinned('v3'), pinned('broken')];

type Scenario = (cluster: ForeignCluster) => Promise<void>;

interface Status {
  readonly awaitsPromotion?: boolean;
  readonly updateRevision?: string;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  async 'rollout, update, scale, and who owns what'(cluster) {
    const bench = await cluster.bench('rollout');
    await bench.create(V1, { updateStrategy: QUICKLY });
    await bench.settled(V1, 3);
    bench.nodes.watchServing();
    await bench.change({
      template: templateOf(V2),
      updateStrategy: { ...QUICKLY, order: 'StartFirst' },
    });
    await bench.settled(V2, 3);
    assert.equal(bench.nodes.fewestServing, 3);
    const service = await bench.service();
    for (const { metadata } of [...bench.nodes.pods, ...(await bench.revisions())])
      assert.deepEqual(metadata.ownerReferences, [
        {
          apiVersion: 'windlass.dev/v1alpha1',
          kind: 'Service',
          name: 'web',
          uid: service.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ]);
    const { kubectl } = cluster;
    await kubectl.ok(['scale', '-n', 'rollout', 'service.windlass.dev/web', '--replicas=5']);
    await bench.settled(V2, 5);
    await kubectl.ok(['wait', '-n', 'rollout', '--for=condition=Ready', 'wsvc/web']);
    // Who would remove what a deleted Service leaves is not here: its Pods stay, and nobody touches them.
    const made = bench.nodes.created.length;
    await kubectl.ok(['delete', '-n', 'rollout', 'wsvc/web']);
    await bench.create(V3, { updateStrategy: QUICKLY, replicas: 1 });
    await bench.conditionSoon('Ready', 'True');
    assert.equal(bench.nodes.created.length, made + 1);
    assert.equal(bench.nodes.serving.length, 6);
  },

  async 'a rollout that fails is rolled back, and says why'(cluster) {
    const bench = await cluster.bench('failure', { [BROKEN]: 'crashes' });
    await bench.create(V1, { updateStrategy: { ...QUICKLY, failureAction: 'Rollback' } });
    await bench.settled(V1, 3);
    await bench.update(BROKEN);
    const { message } = await bench.conditionSoon('RolledBack', 'True');
    assert.match(message, /CrashLoopBackOff.*last exit code 3/);
    await eventually('all is as before', () => {
      assert.deepEqual(bench.images, [V1, V1, V1]);
      assert.equal(bench.nodes.serving.length, 3);
    });
    const events = await cluster.kubectl.ok(['get', 'events', '-n', 'failure', '-o', 'name']);
    assert.ok(events.split('\n').length > 3);
    const described = await cluster.kubectl.ok(['describe', '-n', 'failure', 'wsvc/web']);
    assert.match(described, /RolloutFailed/);
  },

  async 'hooks run once for each rollout'(cluster) {
    const bench = await cluster.bench('hooks');
    const hooks = { preDeploy: { command: ['migrate'] }, postDeploy: { command: ['announce'] } };
    await bench.create(V1, { hooks, updateStrategy: QUICKLY });
    await bench.conditionSoon('Ready', 'True');
    const selectors = { namespace: 'hooks', labelSelector: 'windlass.dev/hook' };
    const { client, signal } = cluster.server;
    const { items } = await client.list(PODS, selectors, signal);
    assert.deepEqual(
      items.map(({ metadata }) => metadata.labels?.['windlass.dev/hook'] ?? '').toSorted(),
      ['postDeploy', 'preDeploy'],
    );
    await bench.change({ replicas: 4 });
    await eventually('four', () => assert.equal(bench.nodes.serving.length, 4));
    await bench.conditionSoon('Ready', 'True');
    assert.equal((await client.list(PODS, selectors, signal)).items.length, 2);
  },

  async 'configs become ConfigMaps that go with the history'(cluster) {
    const bench = await cluster.bench('configs');
    const configs = (content: string): object => ({
      configs: [{ name: 'app', content, mounts: [{ path: '/etc/app', mode: 0o440 }] }],
    });
    await bench.create(V1, {
      ...configs('one'),
      updateStrategy: QUICKLY,
      revisionHistoryLimit: 0,
    });
    await bench.settled(V1, 3);
    const { client, signal } = cluster.server;
    const maps = async (): Promise<readonly (ApiObject & { readonly data?: object })[]> =>
      (
        await client.list<ApiObject & { readonly data?: object }>(
          CONFIG_MAPS,
          { namespace: 'configs', labelSelector: 'windlass.dev/service=web' },
          signal,
        )
      ).items;
    const [first] = await maps();
    assert.deepEqual(first?.data, { app: 'one' });
    await bench.change(configs('two'));
    await eventually('the new content alone', async () => {
      assert.deepEqual(
        (await maps()).map(({ data }) => data),
        [{ app: 'two' }],
      );
    });
    await bench.settled(V1, 3);
    const name = (await maps())[0]?.metadata.name ?? '';
    for (const { spec } of bench.nodes.pods)
      assert.match(JSON.stringify(spec.volumes), new RegExp(`"name":"${name}"`));
  },

  async 'named volumes are claims on the node where instances run'(cluster) {
    const bench = await cluster.bench('volumes');
    const mount = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
    await bench.create(V1, {
      replicas: 2,
      updateStrategy: QUICKLY,
      volumes: [{ name: 'data', claimName: 'kept', size: '2Gi' }],
      template: templateOf(V1, {}, mount),
    });
    await bench.settled(V1, 2);
    const { client, signal } = cluster.server;
    const claim = await client.get<
      ApiObject & {
        readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } };
      }
    >(PERSISTENT_VOLUME_CLAIMS, 'volumes', 'kept', signal);
    const node = claim.metadata.annotations?.['volume.kubernetes.io/selected-node'];
    assert.equal(claim.spec.resources.requests.storage, '2Gi');
    for (const { spec } of bench.nodes.pods) assert.equal(spec.nodeName, node);
    // A claim that somebody made, and whose place nobody has chosen yet.
    await cluster.kubectl.apply(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'theirs', namespace: 'volumes' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      }),
    );
    const other = {
      metadata: { name: 'other' },
      spec: {
        updateStrategy: QUICKLY,
        placement: { nodes: ['n2'] },
        volumes: [{ name: 'data', claimName: 'theirs' }],
        template: templateOf(V2, {}, mount),
      },
    };
    await client.create(SERVICES, 'volumes', other, signal);
    await eventually('it runs there', () => assert.equal(bench.nodes.serving.length, 3));
    const theirs = await client.get(PERSISTENT_VOLUME_CLAIMS, 'volumes', 'theirs', signal);
    assert.equal(theirs.metadata.annotations?.['volume.kubernetes.io/selected-node'], 'n2');
  },

  async 'resources change in the instances that run'(cluster) {
    const bench = await cluster.bench('resize');
    const limits = (cpu: string): object => ({
      resources: { limits: { cpu }, requests: { cpu: '100m' } },
    });
    await bench.create(V1, {
      template: templateOf(V1, {}, limits('1')),
      updateStrategy: QUICKLY,
    });
    await bench.settled(V1, 3);
    const uids = (): readonly string[] => bench.nodes.pods.map(({ metadata }) => metadata.uid);
    const before = uids().toSorted();
    await bench.change({ template: templateOf(V1, {}, limits('2')) });
    await bench.conditionSoon('Ready', 'True');
    await bench.settled(V1, 3);
    assert.deepEqual(uids().toSorted(), before);
    for (const { spec } of bench.nodes.pods)
      assert.deepEqual(spec.containers[0]?.resources, {
        limits: { cpu: '2' },
        requests: { cpu: '100m' },
      });
  },

  async 'a canary waits, and goes on when promoted'(cluster) {
    const bench = await cluster.bench('canary');
    const statusOf = async (): Promise<Status> =>
      ((await bench.service()) as TestService & { readonly status?: Status }).status ?? {};
    const canary = { steps: [{ count: '25%' }] };
    const updateStrategy = { ...QUICKLY, type: 'Canary', canary };
    await bench.create(V1, { replicas: 4, updateStrategy });
    await bench.settled(V1, 4);
    await bench.update(V2);
    await eventually('the first step', async () => {
      assert.equal((await statusOf()).awaitsPromotion, true);
      assert.deepEqual(bench.images.toSorted(), [V1, V1, V1, V2]);
    });
    const { updateRevision = '' } = await statusOf();
    const promote = `windlass.dev/promote=${updateRevision}`;
    await cluster.kubectl.ok(['annotate', '-n', 'canary', 'wsvc/web', promote]);
    await bench.settled(V2, 4);
  },

  async 'when the leader is killed the other goes on, and a stopped one hands over'(cluster) {
    const bench = await cluster.bench('leaders');
    await bench.create(V1, { updateStrategy: QUICKLY });
    await bench.settled(V1, 3);
    const first = await cluster.leader();
    const [leading] = cluster.processes.filter(({ output }) => /This process leads/.test(output));
    assert.ok(leading !== undefined);
    await leading.crash();
    await bench.update(V2);
    await bench.settled(V2, 3);
    const second = await cluster.leader();
    assert.notEqual(second, first);
    const third = cluster.controllers();
    await eventually('it waits', () => assert.match(third.output, /Another process leads/));
    const [old] = cluster.processes.filter((one) => one !== leading && one !== third);
    assert.equal(await old?.stop(), 0);
    await bench.update(V3);
    await bench.settled(V3, 3);
    assert.notEqual(await cluster.leader(), second);
  },

  async 'logins for a registry come from Secrets of the namespace'(cluster) {
    const bench = await cluster.bench('logins');
    const { kubectl } = cluster;
    const secret = ['create', 'secret', 'docker-registry', 'login', '-n', 'logins'];
    const login = ['--docker-server=127.0.0.1:9', '--docker-username=u', '--docker-password=p'];
    await kubectl.ok([...secret, ...login]);
    // Nobody listens there: the image stays as it is written, and the rollout goes on.
    const image = '127.0.0.1:9/app:1';
    const template = templateOf(image, { imagePullSecrets: [{ name: 'login' }] });
    await bench.create(image, { updateStrategy: QUICKLY, replicas: 1, template });
    await bench.settled(image, 1);
  },

  async 'instances of a node that is gone are made elsewhere'(cluster) {
    const bench = await cluster.bench('gone');
    await cluster.addNode('n3');
    await bench.create(V1, { updateStrategy: QUICKLY });
    await bench.settled(V1, 3);
    assert.ok(bench.nodes.pods.some(({ spec }) => spec.nodeName === 'n3'));
    await cluster.kubectl.ok(['delete', 'node', 'n3']);
    await eventually('all are elsewhere', () => {
      assert.equal(bench.nodes.serving.length, 3);
      assert.ok(bench.nodes.pods.every(({ spec }) => spec.nodeName !== 'n3'));
    });
  },

  async 'the API of our kind is what kubectl expects'({ kubectl }) {
    const manifest = JSON.stringify({
      apiVersion: 'windlass.dev/v1alpha1',
      kind: 'Service',
      metadata: { name: 'probe', namespace: 'default' },
      spec: {
        template: {
          spec: {
            containers: [{ name: 'c', image: 'x', ports: [{ name: 'http', containerPort: 80 }] }],
          },
        },
        ingress: [
          { port: 8080, targetPort: 'http' },
          { port: 8081, targetPort: 80 },
        ],
      },
    });
    const apply = ['apply', '--server-side', '--dry-run=server', '-o', 'json', '-f', '-'];
    const { spec } = JSON.parse(await kubectl.ok(apply, { input: manifest })) as {
      readonly spec: {
        readonly mode: string;
        readonly replicas: number;
        readonly ingress: readonly object[];
        readonly updateStrategy: { readonly type: string };
      };
    };
    assert.equal(spec.mode, 'Replicated');
    assert.equal(spec.replicas, 1);
    assert.equal(spec.updateStrategy.type, 'Rolling');
    assert.deepEqual(spec.ingress, [
      { port: 8080, targetPort: 'http', protocol: 'TCP', host: '', path: '' },
      { port: 8081, targetPort: 80, protocol: 'TCP', host: '', path: '' },
    ]);
    const wrong = await kubectl.run(apply, { input: manifest.replace('"http"}', '"nope"}') });
    assert.notEqual(wrong.code, 0);
    const unnamed = await kubectl.run(apply, { input: manifest.replace(':"http"', ':"nowhere"') });
    assert.match(unnamed.stderr, /ingress/);
    const columns = await kubectl.ok(['get', 'wsvc', '-n', 'hooks', '-o', 'wide']);
    assert.match(columns, /^NAME +MODE +READY +DESIRED +UPDATED +AVAILABLE +AGE +REVISION/);
    assert.match(columns, /web +Replicated +4 +4 +4 +4 /);
    const explained = await kubectl.ok(['explain', 'wsvc.spec.updateStrategy']);
    assert.match(explained, /maxParallel/);
  },

  async 'the controllers did all that they may, and were refused nothing'(cluster) {
    const deeds = cluster.deeds();
    const refused = deeds.filter(({ responseStatus }) => responseStatus?.code === 403);
    assert.deepEqual(refused, []);
    const seen = new Set(
      deeds.map(({ verb, objectRef = {} }) =>
        deed(verb, [objectRef.resource, objectRef.subresource].filter(Boolean).join('/')),
      ),
    );
    const unused = permissions().filter(
      (one) => !seen.has(one) && !SELDOM.has(one) && !OF_OTHER_KINDS.test(one),
    );
    assert.deepEqual(unused, [], 'deploy/kubernetes gives more than is used');
  },
};

/** What no scenario leads to. */
const SELDOM: ReadonlySet<string> = new Set([
  // Two processes at once, which the Lease prevents.
  'get controllerrevisions',
  // The same event again.
  'patch events',
  // No request of its own: asked about by an admission plugin.
  'update services/finalizers',
  // Machines and clusters have tests of their own: a node is drained, logs are kept, an authority is followed, operations are claimed.
  'patch nodes',
  'create pods/eviction',
  'create secrets',
  'patch secrets',
  'delete leases',
]);

/** The scenarios are those of services. */
const OF_OTHER_KINDS = / (artifacts|clusters|infraproviders|machineoperations|machines)(\/|$)/;

function deed(verb: string, resource: string): string {
  return `${verb} ${resource}`;
}

function permissions(): readonly string[] {
  const text = readFileSync(join(projectRoot, 'deploy', 'kubernetes', 'rbac.yaml'), 'utf8');
  const roles = parseAllDocuments(text).map(
    (document) =>
      document.toJS() as {
        readonly rules?: readonly {
          readonly resources: readonly string[];
          readonly verbs: readonly string[];
        }[];
      },
  );
  return roles.flatMap(({ rules = [] }) =>
    rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => deed(verb, resource))),
    ),
  );
}

const missing = missingForeignServer() ?? missingKubectl();

test(
  'the service controller on a Kubernetes API server',
  { skip: missing ?? false, timeout: 400_000 },
  async (t) => {
    const cluster = await ForeignCluster.start(t);
    const first = cluster.controllers();
    await eventually('one leads, and knows where it is', () => {
      assert.match(first.output, /This process leads/);
      assert.match(first.output, /The server is not one of Windlass/);
    });
    const second = cluster.controllers();
    await eventually('the other waits', () => assert.match(second.output, /Another process leads/));
    for (const [name, scenario] of Object.entries(SCENARIOS))
      await t.test(name, () => scenario(cluster));
  },
);
