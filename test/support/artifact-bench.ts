// An Artifact controller against a control plane and an artifact server of the test's own, with a store on disk.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Artifact } from '#controllers/artifact/types.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { Condition } from '#controllers/machinery/conditions.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import { ARTIFACTS, EVENTS } from '#controllers/machinery/resources.ts';
import { ArtifactServer } from './artifact-server.ts';
import { TestControlPlane } from './control-plane.ts';
import { eventually } from './eventually.ts';
import { tempDir } from './temp-dir.ts';

export class ArtifactBench {
  readonly plane: TestControlPlane;
  readonly server: ArtifactServer;
  readonly folder: string;
  readonly files: string;

  private constructor(plane: TestControlPlane, server: ArtifactServer, folder: string) {
    this.plane = plane;
    this.server = server;
    this.folder = join(folder, 'store');
    this.files = join(folder, 'files');
  }

  static async start(t: TestContext): Promise<ArtifactBench> {
    const plane = await TestControlPlane.start(t);
    const server = await ArtifactServer.start(t);
    const bench = new ArtifactBench(plane, server, tempDir());
    await mkdir(bench.files);
    await bench.controllers();
    return bench;
  }

  controllers(): Promise<() => Promise<void>> {
    const { folder, files } = this;
    return this.plane.controllers(['artifact'], {
      artifacts: { folder, files: [files], environment: {}, backoffMs: 1, unusedMs: 0 },
    });
  }

  async create(name: string, spec: object): Promise<Artifact> {
    const { client, signal } = this.plane;
    return client.create<Artifact>(ARTIFACTS, 'default', { metadata: { name }, spec }, signal);
  }

  async change(name: string, spec: object): Promise<void> {
    const { client, signal } = this.plane;
    await client.patch(ARTIFACTS, 'default', name, '', 'merge', { spec }, signal);
  }

  read(name: string): Promise<Artifact> {
    return this.plane.client.get<Artifact>(ARTIFACTS, 'default', name, this.plane.signal);
  }

  /** Waits for the Ready condition of the present spec. */
  async ready(name: string, status: 'True' | 'False', reason: string): Promise<Artifact> {
    return eventually(`Artifact ${name} is Ready=${status} for ${reason}`, async () => {
      const artifact = await this.read(name);
      const found = conditionOf(artifact, 'Ready');
      assert.equal(artifact.status?.observedGeneration, artifact.metadata.generation);
      assert.deepEqual(
        [found?.status, found?.reason],
        [status, reason],
        found?.message ?? 'no condition',
      );
      return artifact;
    });
  }

  async refused(spec: object, words: RegExp): Promise<void> {
    await assert.rejects(this.create('bad', spec), (error: unknown) => {
      assert.ok(error instanceof RequestError, String(error));
      assert.equal(error.code, 422);
      assert.match(error.message, words);
      return true;
    });
  }

  kept(digest: string): Promise<string> {
    return readFile(join(this.folder, 'sha256', digest.replace('sha256:', '')), 'utf8');
  }

  events(): Promise<readonly ApiObject[]> {
    const { client, signal } = this.plane;
    return client
      .list<ApiObject>(EVENTS, { namespace: 'default' }, signal)
      .then(({ items }) => items);
  }
}

export function conditionOf({ status }: Artifact, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}
