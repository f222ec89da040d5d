// What the tasks of a root work with.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import type { RootFS } from './goal-state.ts';
import type { NodeCredential } from './node-credential.ts';
import type { ImageOpener } from './open-image.ts';

export interface RootFSContext {
  readonly host: HostDriver;
  readonly goal: RootFS;
  readonly goalHash: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Into the store that all machines share. */
  readonly fetcher: ArtifactFetcher;
  readonly images: ImageOpener;
  /** What the node joins with; absent: its image knows. */
  readonly credential?: NodeCredential;
  /** A folder of this machine for what is on its way to the host. */
  readonly workFolder: string;
}
