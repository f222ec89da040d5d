// What the tasks of a root work with.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import type { FileFetcher } from './file-fetcher.ts';
import type { RootFS } from './goal-state.ts';
import type { ImageOpener } from './open-image.ts';

export interface RootFSContext {
  readonly host: HostDriver;
  readonly goal: RootFS;
  readonly goalHash: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly fetcher: FileFetcher;
  readonly images: ImageOpener;
  /** A folder of this machine for what is on its way to the host. */
  readonly workFolder: string;
}
