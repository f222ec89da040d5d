// A folder that stands for a host, a server of releases and an image beside it: what tests of roots work with.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { LocalDirHost } from '../hosts/local-dir/local-dir-host.ts';
import { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import { ArtifactStore } from '../binaries/artifact-store.ts';
import { HttpFetcher } from '../binaries/http-fetcher.ts';
import { NO_DEVICES } from './devices.ts';
import { resolveGoal } from './goal-state.ts';
import type { ResolveInput } from './goal-state.ts';
import { bootable, writeLayout } from './image-fixture.ts';
import { imageOpener } from './open-image.ts';
import { putRelease, startReleases } from './release-server-fixture.ts';
import type { ReleaseServer } from './release-server-fixture.ts';
import type { RootFSContext } from './rootfs-context.ts';

export interface RootFSBench extends AsyncDisposable {
  readonly folder: string;
  /** The host's root, on this machine. */
  readonly hostRoot: string;
  readonly host: LocalDirHost;
  readonly releases: ReleaseServer;
  /** `oci-layout:…` */
  readonly image: string;
  context(change?: Partial<ResolveInput>, goalHash?: string): RootFSContext;
}

export const NODE = { name: 'w1', labels: {}, taints: [], apiServer: '' };

export async function openBench(): Promise<RootFSBench> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-rootfs-'));
  const hostRoot = join(folder, 'host');
  await mkdir(hostRoot);
  const releases = await startReleases();
  await putRelease(releases, '1.33.5');
  const image = await writeLayout(join(folder, 'image'), { layers: [bootable()] });
  const parts = { clock: systemClock, ids: systemIds };
  const host = await LocalDirHost.open({ path: hostRoot, ...parts });
  const workFolder = join(folder, 'work');
  const http = new HttpFetcher({
    clock: systemClock,
    userAgent: 'windlass-test',
    environment: {},
    random: () => 0,
    backoffMs: 1,
  });
  const store = new ArtifactStore({ folder: join(folder, 'store'), ...parts });
  const fetcher = new ArtifactFetcher(store, http);
  const images = imageOpener({ ...parts, fetcher, workFolder, logins: async () => [] });
  return {
    folder,
    hostRoot,
    host,
    releases,
    image,
    context(change = {}, goalHash = 'goal-1') {
      const { spec, ...rest } = change;
      const goal = resolveGoal({
        name: 'w1',
        slot: 'a',
        version: '1.33.5',
        node: NODE,
        facts: { arch: 'amd64', hostname: 'host', kernel: '6.1' },
        devices: NO_DEVICES,
        ...rest,
        spec: { image, downloads: releases.downloads, ...spec },
      });
      return { ...parts, host, goal, goalHash, fetcher, images, workFolder };
    },
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await releases[Symbol.asyncDispose]();
      // What nobody waits for any more may still be ending.
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}
