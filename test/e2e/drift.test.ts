// Somebody lays hands on instances behind the back of the agent: it notices, and puts right what was done.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { outputOf } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { processesBelow } from '../support/processes.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

function serviceOf(name: string, replicas: number, container: object): string {
  return JSON.stringify({
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Service',
    metadata: { name },
    spec: {
      replicas,
      updateStrategy: { monitorPeriod: '0s' },
      template: {
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'main', image: TEST_IMAGE, ...container }],
        },
      },
    },
  });
}

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: {
      readonly containerStatuses?: readonly {
        readonly ready: boolean;
        readonly restartCount: number;
        readonly containerID?: string;
      }[];
    };
  }[];
}

/** Pod → how often it was restarted; only when all are ready. */
async function restarts(kubectl: Kubectl, service: string): Promise<ReadonlyMap<string, number>> {
  const selector = `windlass.dev/service=${service}`;
  const { items } = await kubectl.json<Pods>(['get', 'pods', '-l', selector]);
  return new Map(
    items.map(({ metadata, status }) => {
      const main = status.containerStatuses?.[0];
      assert.ok(main?.ready, `${metadata.name} is not ready`);
      return [metadata.name, main.restartCount];
    }),
  );
}

async function reasons(kubectl: Kubectl, pod: string): Promise<readonly string[]> {
  const which = `--field-selector=involvedObject.name=${pod}`;
  const text = await kubectl.ok(['get', 'events', which, '-o', 'jsonpath={.items[*].reason}']);
  return text.split(' ');
}

test(
  'processes that are killed run again, and those that are stopped with SIGSTOP go on',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    await kubectl.apply(serviceOf('nap', 2, { command: ['sleep', '1000'] }));
    const [first, second] = await eventually('both run', async () => {
      assert.equal((await restarts(kubectl, 'nap')).size, 2);
      const pids = processesBelow(dataDir);
      assert.equal(pids.length, 2);
      return pids;
    });
    assert.ok(first !== undefined && second !== undefined);

    process.kill(first, 'SIGKILL');
    await eventually('the killed one runs again', async () => {
      const counts = [...(await restarts(kubectl, 'nap')).values()];
      assert.deepEqual(
        counts.toSorted((a, b) => a - b),
        [0, 1],
      );
    });

    const stateOf = (pid: number): string | undefined =>
      /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    process.kill(second, 'SIGSTOP');
    await eventually('its agent has seen it', async () => {
      const found = await Promise.all(
        [...(await restarts(kubectl, 'nap')).keys()].map((pod) => reasons(kubectl, pod)),
      );
      assert.ok(found.flat().includes('Frozen'));
    });
    await eventually('the stopped one goes on', () => assert.equal(stateOf(second), 'S'));
    assert.deepEqual(
      [...(await restarts(kubectl, 'nap')).values()].toSorted((a, b) => a - b),
      [0, 1],
    );
  },
);

test(
  'containers that are removed, stopped or paused by hand run again; so do those whose liveness probe fails',
  needs((await missingForEngine()) ?? missingKubectl()),
  async (t) => {
    const dataDir = join(tempDir(), 'data');
    const engine = await startEngine();
    t.after(() => engine.close());
    const docker = (...args: readonly string[]): Promise<string> =>
      outputOf('docker', ['-H', engine.host, ...args]);
    const up = await startWindlass(t, {
      dataDir,
      args: ['--runtime', 'docker'],
      env: { DOCKER_HOST: engine.host },
    });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const resources = { limits: { memory: '64Mi' } };
    await kubectl.apply(serviceOf('nap', 3, { command: ['sleep', '1000'], resources }));
    await eventually('they run', async () =>
      assert.equal((await restarts(kubectl, 'nap')).size, 3),
    );
    const containerOf = async (pod: string): Promise<string> => {
      const label = `--filter=label=windlass.dev/pod-name=${pod}`;
      const ids = await docker('ps', '-q', '--filter=label=windlass.dev/container=main', label);
      return ids.trim();
    };
    const [removed = '', stopped = '', paused = ''] = [...(await restarts(kubectl, 'nap')).keys()];
    await docker('rm', '-f', await containerOf(removed));
    await docker('stop', '-t', '0', await containerOf(stopped));
    const pausedID = await containerOf(paused);
    await docker('pause', pausedID);
    await eventually('all run again', async () => {
      const counts = await restarts(kubectl, 'nap');
      assert.deepEqual(
        [removed, stopped, paused].map((pod) => counts.get(pod)),
        [1, 1, 0],
      );
      assert.equal(
        (await docker('inspect', '-f', '{{.State.Status}}', pausedID)).trim(),
        'running',
      );
    });
    assert.ok((await reasons(kubectl, paused)).includes('Frozen'));

    await docker('update', '--memory', '96m', '--memory-swap', '192m', pausedID);
    await eventually('it has what its Pod asks for again', async () => {
      const bytes = await docker('inspect', '-f', '{{.HostConfig.Memory}}', pausedID);
      assert.equal(Number(bytes), 64 * 1024 ** 2);
    });

    // What holds the network of a Pod: its containers get another one.
    const holder = (
      await docker(
        'ps',
        '-q',
        '--filter=label=windlass.dev/sandbox=true',
        `--filter=label=windlass.dev/pod-name=${paused}`,
      )
    ).trim();
    assert.notEqual(holder, '');
    await docker('rm', '-f', holder);
    await eventually('the Pod has a network again', async () => {
      assert.equal((await restarts(kubectl, 'nap')).get(paused), 1);
      const mode = await docker(
        'inspect',
        '-f',
        '{{.HostConfig.NetworkMode}}',
        await containerOf(paused),
      );
      assert.ok(!mode.includes(holder));
    });

    const livenessProbe = {
      exec: { command: ['test', '-e', '/tmp/alive'] },
      periodSeconds: 1,
      failureThreshold: 1,
    };
    const command = ['sh', '-c', 'touch /tmp/alive; sleep 1000'];
    await kubectl.apply(serviceOf('probed', 1, { command, livenessProbe }));
    await eventually('it runs', async () =>
      assert.deepEqual([...(await restarts(kubectl, 'probed')).values()], [0]),
    );
    const [probed = ''] = [...(await restarts(kubectl, 'probed')).keys()];
    await docker('exec', await containerOf(probed), 'busybox', 'rm', '/tmp/alive');
    await eventually('it was restarted', async () =>
      assert.deepEqual([...(await restarts(kubectl, 'probed')).values()], [1]),
    );
    const seen = await reasons(kubectl, probed);
    assert.ok(seen.includes('Unhealthy') && seen.includes('Killing'), seen.join(' '));
  },
);
