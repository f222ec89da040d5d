// One instance as configured, and how it is looked at when the log is opened.
import type { LogPersistenceProvider } from '../provider.ts';

export interface ManagedInstance {
  /** Initialized, where it keeps a log. */
  readonly provider: LogPersistenceProvider;
  readonly name: string;
  /** What the provider is called in metrics and reports: `sqlite`, `s3`, `nfs`, `module`. */
  readonly providerName: string;
  /** Without secrets. */
  readonly location: string;
  /** False where only objects are kept, without their order: a replica that nobody waits for, and never a primary. */
  readonly keepsLog: boolean;
  /**
   * Milliseconds after which a write that it has not answered makes it Down, and further writes are refused until it does. For those
   * that set no such limit themselves.
   */
  readonly answerMs?: number;
}
