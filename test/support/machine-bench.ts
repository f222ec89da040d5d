// A control plane, folders that stand for hosts, images and releases beside them: what tests of machines work with.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { LocalDirHost } from '#controllers/hosts/local-dir/local-dir-host.ts';
import type { Machine, MachineSpec, MachineStatus } from '#controllers/machine/types.ts';
import { MACHINES, NODES, PODS } from '#controllers/machinery/resources.ts';
import { bootable, writeLayout } from '#controllers/rootfs/image-fixture.ts';
import { putRelease, startReleases } from '#controllers/rootfs/release-server-fixture.ts';
import type { ReleaseServer } from '#controllers/rootfs/release-server-fixture.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { TestControlPlane } from './control-plane.ts';
import { eventually } from './eventually.ts';
import { tempDir } from './temp-dir.ts';
import { projectRoot } from './windlass.ts';

const RUNS = '#!/bin/sh\nexec sleep 100000\n';
const PATIENCE_MS = 300_000;

/** For `until`: runs as this version, and nothing is under way. */
export const isSettledOn =
  (version: string, slot: string) =>
  (status: MachineStatus): void => {
    assert.equal(status.run, undefined);
    assert.equal(status.phase, 'Ready');
    assert.equal(status.runningVersion, version);
    assert.equal(status.activeSlot, slot);
  };

export class MachineBench {
  readonly plane: TestControlPlane;
  readonly hostRoot: string;
  readonly releases: ReleaseServer;
  /** Where files of `localPath` are looked for. */
  readonly files: string;
  readonly #folder: string;

  private constructor(plane: TestControlPlane, folder: string, releases: ReleaseServer) {
    this.plane = plane;
    this.#folder = folder;
    this.hostRoot = join(folder, 'host');
    this.files = join(folder, 'files');
    this.releases = releases;
  }

  /** Ended after the test, with every machine that its host runs. */
  static async start(t: TestContext): Promise<MachineBench> {
    const plane = await TestControlPlane.start(t);
    const folder = tempDir();
    const releases = await startReleases();
    for (const version of ['1.33.5', '1.33.6']) await putRelease(releases, version);
    await mkdir(join(folder, 'host'));
    await mkdir(join(folder, 'files'));
    const bench = new MachineBench(plane, folder, releases);
    t.after(async () => {
      await bench.#stopAll();
      await releases[Symbol.asyncDispose]();
    });
    return bench;
  }

  /** @param init what the machine runs. @returns `oci-layout:…` */
  image(name: string, init = RUNS): Promise<string> {
    const layer = bootable({ name: 'etc/release', text: name });
    const layers = [layer, [{ name: 'sbin/init', text: init }]];
    return writeLayout(join(this.#folder, `image-${name}`), { layers });
  }

  /** Of machines, and of the artifacts that they name. @param stableMs how long what was started has to run to be good */
  controllers(more: readonly string[] = [], stableMs = 100): Promise<() => Promise<void>> {
    const artifacts = {
      folder: join(this.#folder, 'artifacts'),
      files: [this.files],
      environment: {},
      localEveryMs: 200,
    };
    return this.plane.controllers(['artifact', 'machine', 'machine-operation', ...more], {
      artifacts,
      machines: { folder: join(this.#folder, 'work'), driftEveryMs: 500, stableMs },
    });
  }

  /** The controllers as a process of their own, that can be killed. */
  controllersProcess(t: TestContext): ChildProcess {
    const main = join(projectRoot, 'cli', 'main.ts');
    const flags = [
      'controllers',
      '--kubeconfig',
      this.plane.kubeconfig,
      '--only',
      'machine',
      '--leader-elect=false',
    ];
    const child = spawn(process.execPath, [main, ...flags], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    return child;
  }

  create(name: string, spec: MachineSpec): Promise<Machine> {
    const connection = { type: 'LocalDir', localDir: { path: this.hostRoot } };
    // How much room a test machine has is not what is tested.
    const preflight = { ignore: ['disk'] };
    return this.plane.client.create<Machine>(
      MACHINES,
      'default',
      { metadata: { name }, spec: { connection, preflight, ...spec } },
      this.plane.signal,
    );
  }

  /** One whose host its provider makes. */
  createProvided(name: string, provider: string, spec: MachineSpec): Promise<Machine> {
    const own = { preflight: { ignore: ['disk'] }, providerRef: { name: provider } };
    const object = { metadata: { name }, spec: { ...own, ...spec } };
    return this.plane.client.create<Machine>(MACHINES, 'default', object, this.plane.signal);
  }

  change(name: string, patch: object): Promise<Machine> {
    const { client, signal } = this.plane;
    return client.patch<Machine>(MACHINES, 'default', name, '', 'merge', patch, signal);
  }

  get(name: string): Promise<Machine> {
    return this.plane.client.get<Machine>(MACHINES, 'default', name, this.plane.signal);
  }

  /** Waits until the status of this very spec is as `check` wants it. */
  until(name: string, what: string, check: (status: MachineStatus) => void): Promise<Machine> {
    return eventually(
      `machine ${name}: ${what}`,
      async () => {
        const machine = await this.get(name);
        const { status = {} } = machine;
        try {
          check(status);
        } catch (error) {
          const steps = status.steps?.map(
            (step) => `${step.name} ${step.state} ${step.message ?? ''}`,
          );
          throw new Error(`${(error as Error).message}: ${status.phase} ${steps?.join(', ')}`, {
            cause: error,
          });
        }
        return machine;
      },
      PATIENCE_MS,
    );
  }

  inRoot(machineName: string, path: string): Promise<string> {
    return readFile(join(this.hostRoot, 'var/lib/machines', machineName, path), 'utf8');
  }

  host(): Promise<LocalDirHost> {
    return LocalDirHost.open({ path: this.hostRoot, clock: systemClock, ids: systemIds });
  }

  async isRunning(machineName: string): Promise<boolean> {
    const host = await this.host();
    const unit = `systemd-nspawn@${machineName}.service`;
    return (await host.services.state(unit, this.plane.signal)).isActive;
  }

  /** As a kubelet would say it, now. */
  async report(node: string, isReady: boolean): Promise<void> {
    const { client, signal } = this.plane;
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    await client.create(NODES, '', { metadata: { name: node } }, signal).catch(() => undefined);
    const condition = {
      type: 'Ready',
      status: isReady ? 'True' : 'False',
      reason: isReady ? 'KubeletReady' : 'KubeletNotReady',
      message: '',
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    };
    const patch = { status: { conditions: [condition] } };
    await client.patch(NODES, '', node, 'status', 'merge', patch, signal);
  }

  /** As a Global service makes its Pods, with a toleration of the cordon. */
  async pinnedPod(node: string, name: string): Promise<void> {
    const { client, signal } = this.plane;
    const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
    const required = { nodeSelectorTerms: [{ matchFields }] };
    const spec = {
      nodeName: node,
      containers: [{ name: 'c', image: 'x' }],
      tolerations: [{ operator: 'Exists' }],
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } },
    };
    const owner = { apiVersion: 'windlass.dev/v1alpha1', kind: 'Service', name, uid: name };
    const ownerReferences = [{ ...owner, controller: true }];
    await client.create(PODS, 'default', { metadata: { name, ownerReferences }, spec }, signal);
  }

  async #stopAll(): Promise<void> {
    const host = await this.host();
    const { signal } = new AbortController();
    for (const name of (await host.list('/var/lib/machines', signal)) ?? [])
      await host.services.stop(`systemd-nspawn@${name}.service`, signal);
  }
}
