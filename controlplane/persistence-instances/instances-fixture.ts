// What the tests here share: reports that the test changes, told to whoever listens as the manager does.
import type { InstanceListener, InstanceReport } from '#persistence/log.ts';

export const PRIMARY: InstanceReport = {
  name: 'sqlite-00000001',
  provider: 'sqlite',
  location: 'sqlite:/data/state.db',
  role: 'Primary',
  isSynchronous: true,
  state: 'Up',
  since: 1_000_000,
  exists: true,
  up: true,
  meanPersistLatency: 0.000_412_345,
  epoch: 7,
  revision: 42,
  lagRevisions: 0,
  lagSeconds: 0,
  pendingBytes: 0,
  lastError: undefined,
};

export const REPLICA: InstanceReport = {
  ...PRIMARY,
  name: 'nfs-00000002',
  provider: 'nfs',
  location: 'nfs:/mnt/share',
  role: 'Replica',
  isSynchronous: false,
};

export class FakeLog {
  reports: readonly InstanceReport[];
  refusal: string | undefined;
  readonly #listeners = new Set<InstanceListener>();

  constructor(...reports: readonly InstanceReport[]) {
    this.reports = reports;
  }

  instances(): readonly InstanceReport[] {
    return this.reports;
  }

  blocked(): string | undefined {
    return this.refusal;
  }

  watch(listener: InstanceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(name: string, changes: Partial<InstanceReport>): void {
    const before = this.reports.find((report) => report.name === name);
    if (before === undefined) throw new Error(`no instance ${name}`);
    const now = { ...before, ...changes };
    this.reports = this.reports.map((report) => (report === before ? now : report));
    for (const listener of this.#listeners) listener(now, before);
  }
}

export const DOWN: Partial<InstanceReport> = {
  state: 'Down',
  up: false,
  lastError: { message: 'connection refused', at: 2_000_000 },
};
