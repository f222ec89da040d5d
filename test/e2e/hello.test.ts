// The example with the real launcher and the real kubectl: what a new user does in the first ten minutes, in that order.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, suite, test } from 'node:test';
import { freePort } from '../support/free-ports.ts';
import { needs } from '../support/missing-part.ts';
import { eventually } from '../support/eventually.ts';
import { helloManifest } from '../support/hello.ts';
import { httpGet, HttpPoller } from '../support/http-poller.ts';
import { Kubectl, kubectlBinary, missingKubectl } from '../support/kubectl.ts';
import { processesBelow } from '../support/processes.ts';
import { outputOf } from '../support/command.ts';
import { tempDir } from '../support/temp-dir.ts';
import { endWindlass, launcher, startWindlass } from '../support/windlass.ts';
import type { Windlass } from '../support/windlass.ts';

interface PodList {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly uid: string;
      readonly deletionTimestamp?: string;
      readonly labels: Readonly<Record<string, string>>;
    };
    readonly status: {
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    };
  }[];
}

/** What `kubectl get pods -w` shows, without what repeats: those that are there at first are `there`. */
function milestones(watched: string): readonly string[] {
  const states = new Map<string, string>();
  const found: string[] = [];
  for (const [, name = '', ready = '', status = ''] of watched.matchAll(
    /^(hello-\w{5}) +(\d\/\d) +(\w+) /gm,
  )) {
    const isReady = ready === '1/1' && status === 'Running';
    const before = states.get(name);
    const state = status === 'Terminating' ? 'stopping' : isReady ? 'ready' : 'appears';
    if (state === before) continue;
    states.set(name, state);
    found.push(before === undefined && isReady ? 'there' : state);
  }
  return found;
}

const SERVICE = 'service.windlass.dev/hello';

suite('hello', needs(missingKubectl()), () => {
  let windlass: Windlass;
  let kubectl: Kubectl;
  let port = 0;
  let url = '';

  before(async () => {
    const dataDir = `${tempDir()}/data`;
    port = await freePort();
    url = `http://127.0.0.1:${port}/`;
    windlass = await startWindlass({ after: () => undefined }, { dataDir });
    kubectl = new Kubectl(windlass.kubeconfig, dataDir);
  });
  after(async () => {
    await endWindlass(windlass);
  });

  const pods = async (): Promise<PodList['items']> =>
    (await kubectl.json<PodList>(['get', 'pods'])).items;
  const rolledOut = async (revision: number, replicas: number): Promise<void> => {
    const format =
      '{.status.revision} {.status.updatedReplicas} {.status.readyReplicas} {.status.replicas}';
    await eventually(`revision ${revision} with ${replicas} instances`, async () => {
      const found = await kubectl.ok(['get', SERVICE, '-o', `jsonpath=${format}`]);
      assert.equal(found, `${revision} ${replicas} ${replicas} ${replicas}`);
    });
  };

  test('kubectl apply rolls it out, wait says when', async () => {
    const said = await kubectl.apply(helloManifest({ port }));
    assert.match(said, /configmap\/hello-program created\nservice\.windlass\.dev\/hello created/);
    await kubectl.ok(['wait', '--for=condition=Ready', SERVICE, '--timeout=120s']);
    const { status, body } = await httpGet(url);
    assert.equal(status, 200);
    assert.match(body, /^Hello from Windlass \(hello-[a-z0-9]{5}\)\n$/);
  });

  test('kubectl get shows services, pods and nodes with the columns people know', async () => {
    const text = await kubectl.ok(['get', 'service.windlass.dev,pods,nodes', '-o', 'wide']);
    assert.match(text, /^NAME +MODE +READY +DESIRED +UPDATED +AVAILABLE +AGE/m);
    assert.match(text, /^service\.windlass\.dev\/hello +Replicated +3 +3 +3 +3 /m);
    assert.match(text, /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/m);
    assert.equal(text.match(/^pod\/hello-\w{5} +1\/1 +Running +0 /gm)?.length, 3);
    assert.match(text, /^node\/\S+ +Ready .* process:\/\//m);
    assert.match(await kubectl.ok(['get', 'wsvc']), /^hello /m);
  });

  test('applying the same again changes nothing', async () => {
    const before = (await pods()).map(({ metadata }) => metadata.uid).toSorted();
    await kubectl.apply(helloManifest({ port }));
    await rolledOut(1, 3);
    assert.deepEqual((await pods()).map(({ metadata }) => metadata.uid).toSorted(), before);
  });

  test('a changed greeting replaces one instance at a time, and the service answers throughout', async (t) => {
    const watch = spawn(kubectlBinary, ['get', 'pods', '-w', '--no-headers'], {
      env: kubectl.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => void watch.kill());
    let seen = '';
    watch.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
    await eventually('the watch has listed them', () => assert.equal(milestones(seen).length, 3));
    const poller = new HttpPoller(url);
    const old = new Set((await pods()).map(({ metadata }) => metadata.uid));
    let fewestReady = Infinity;
    let mostInstances = 0;
    await kubectl.apply(helloManifest({ port, greeting: 'Good evening' }));
    await eventually('all three replaced', async () => {
      const items = await pods();
      const living = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      const ready = living.filter(({ status }) =>
        status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
      );
      fewestReady = Math.min(fewestReady, ready.length);
      mostInstances = Math.max(mostInstances, living.length);
      assert.ok(items.every(({ metadata }) => !old.has(metadata.uid)));
      assert.equal(ready.length, 3);
    });
    await poller.stop();
    const oneByOne = ['appears', 'ready', 'stopping'];
    await eventually('kubectl get pods -w has shown it, one after the other', () => {
      const changes = milestones(seen).slice(3);
      assert.deepEqual(changes, [...oneByOne, ...oneByOne, ...oneByOne], seen);
    });
    watch.kill();
    assert.deepEqual(poller.failures, []);
    assert.ok(poller.requests > 20, `${poller.requests} requests`);
    assert.ok([...poller.bodies].some((body) => body.startsWith('Good evening')));
    assert.ok(fewestReady >= 3, `only ${fewestReady} were ready at a time`);
    assert.ok(mostInstances <= 4, `${mostInstances} instances at a time`);
    await rolledOut(2, 3);
    assert.match((await httpGet(url)).body, /^Good evening/);
  });

  test('kubectl scale takes it to five and back, and instances that stay are not touched', async () => {
    const before = new Set((await pods()).map(({ metadata }) => metadata.uid));
    await kubectl.ok(['scale', SERVICE, '--replicas=5']);
    await rolledOut(2, 5);
    const five = (await pods()).map(({ metadata }) => metadata.uid);
    assert.ok([...before].every((uid) => five.includes(uid)));
    await kubectl.ok(['scale', SERVICE, '--replicas=3']);
    await rolledOut(2, 3);
    await eventually('two of them are gone', async () => assert.equal((await pods()).length, 3));
  });

  test('kubectl logs prints, tails and follows', async () => {
    const name = (await pods())[0]?.metadata.name ?? '';
    assert.match(await kubectl.ok(['logs', name]), /listens on \d+\n/);
    for (let request = 0; request < 12; request++) await httpGet(`${url}tail`);
    await eventually('requests are in the log', async () => {
      assert.match(await kubectl.ok(['logs', name, '--tail=1']), /^GET \/tail 200\n$/);
    });
    const follow = spawn(kubectlBinary, ['logs', '-f', '--tail=0', name], {
      env: kubectl.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    follow.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await eventually('a new line arrives', async () => {
      await httpGet(`${url}followed`);
      assert.match(text, /GET \/followed 200/);
    });
    assert.doesNotMatch(text, /\/tail/);
    follow.kill();
  });

  test('kubectl top says what nodes and instances use, to those who may view them', async () => {
    await eventually('all instances are measured', async () => {
      const text = await kubectl.ok(['top', 'pods', '--no-headers']);
      assert.equal(text.match(/^hello-\w{5} +\d+m +[1-9]\d*Mi *$/gm)?.length, 3, text);
    });
    // A machine that is busy may not answer in time, and is left out then.
    await eventually('the node is measured', async () => {
      const nodes = await kubectl.ok(['top', 'nodes', '--no-headers']);
      assert.match(nodes, /^\S+ +\d+m +\d+% +[1-9]\d*Mi +\d+% *$/m);
    });
    const name = (await pods())[0]?.metadata.name ?? '';
    await eventually('its containers are shown', async () => {
      const containers = await kubectl.ok(['top', 'pod', name, '--containers', '--no-headers']);
      assert.match(containers, new RegExp(`^${name} +hello +\\d+m +[1-9]\\d*Mi *$`, 'm'));
    });
    const none = await kubectl.run(['top', 'pods', '-l', 'windlass.dev/service=nobody']);
    assert.match(none.stderr, /No resources found/);
    await eventually('its metrics are a table', async () => {
      const table = await kubectl.ok(['get', 'pods.metrics.k8s.io', name]);
      assert.match(
        table,
        new RegExp(`^NAME +CPU +MEMORY +WINDOW\n${name} +\\d+n? +\\d+Ki +[\\d.]+s`),
      );
    });
    const missing = await kubectl.run(['get', 'pods.metrics.k8s.io', 'nobody']);
    assert.match(missing.stderr, /pods\.metrics\.k8s\.io "nobody" not found/);

    const mayBob = ['auth', 'can-i', 'list', 'pods.metrics.k8s.io', '--as', 'bob'];
    assert.match((await kubectl.run(mayBob)).stdout, /^no/);
    await kubectl.ok(['create', 'rolebinding', 'bob', '--clusterrole=view', '--user=bob']);
    await eventually('bob may view', async () =>
      assert.match((await kubectl.run(mayBob)).stdout, /^yes/),
    );
  });

  test('kubectl describe tells conditions and events', async () => {
    const service = await kubectl.ok(['describe', SERVICE]);
    assert.match(service, /Type: +Ready/);
    assert.match(service, /Events:/);
    assert.match(service, /InstanceCreated/);
    const pod = await kubectl.ok(['describe', 'pod', (await pods())[0]?.metadata.name ?? '']);
    assert.match(pod, /Controlled By: +Service\/hello/);
    assert.match(pod, /Readiness: +http-get/);
  });

  test('an instance whose process dies is started again, and kubectl logs --previous shows the end before', async () => {
    const victim = processesBelow(windlass.dataDir)[0] ?? 0;
    process.kill(victim, 'SIGKILL');
    const name = await eventually('one instance was restarted', async () => {
      const text = await kubectl.ok(['get', 'pods', '--no-headers']);
      const match = /^(hello-\w{5}) +1\/1 +Running +1 /m.exec(text);
      assert.ok(match, text);
      return match[1] ?? '';
    });
    assert.match(await kubectl.ok(['logs', name, '--previous']), /listens on/);
  });

  test('windlass history and rollback bring the first greeting back', async () => {
    const args = ['--data-dir', windlass.dataDir];
    const history = await outputOf('node', [launcher, 'history', 'hello', ...args]);
    assert.match(
      history,
      /^REVISION +NAME +AGE +CHANGED\n1 +hello-\w+ +\S+\n2 +hello-\w+ +\S+ +template +current\n$/,
    );
    const said = await outputOf('node', [launcher, 'rollback', 'hello', ...args]);
    assert.match(said, /^service\.windlass\.dev\/hello goes back to revision 1 /);
    await rolledOut(3, 3);
    assert.match((await httpGet(url)).body, /^Hello from Windlass/);
    assert.match(await outputOf('node', [launcher, 'status', ...args]), /^default +hello +3\/3$/m);
  });

  test('kubectl delete leaves no instance and no process', async () => {
    await kubectl.ok(['delete', SERVICE, '--timeout=120s']);
    await eventually('everything is gone', async () => {
      assert.equal((await pods()).length, 0);
      assert.deepEqual(processesBelow(windlass.dataDir), []);
    });
    await assert.rejects(httpGet(url));
  });
});
