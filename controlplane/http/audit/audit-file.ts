// The file that audit events go into, one line each. It never keeps a request waiting: lines queue up to a bound, then they are lost and
// counted. A full file is renamed, and old ones are removed.
import { createWriteStream, openSync, statSync } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { Counter, MetricsRegistry } from '#platform/metrics.ts';

/** What may wait for the disk. */
const PENDING_BYTES = 16 * 1024 * 1024;

export interface AuditFileOptions {
  readonly path: string;
  /** A file that has as many is renamed. */
  readonly maxBytes: number;
  /** Renamed files that are kept; 0: all. */
  readonly maxBackups: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

export class AuditFile {
  readonly #options: AuditFileOptions;
  readonly #errors: Counter;
  #stream: WriteStream;
  #bytes: number;
  #isFailing = false;
  #rotation: Promise<void> | undefined;
  /** While a full file is renamed; what comes meanwhile. */
  #held: string[] | undefined;

  private constructor(options: AuditFileOptions, stream: WriteStream, bytes: number) {
    this.#options = options;
    this.#stream = stream;
    this.#bytes = bytes;
    this.#errors = options.metrics.counter({
      name: 'apiserver_audit_error_total',
      help: '[ALPHA] Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.',
      labelNames: ['plugin'],
    });
    this.#errors.inc({ plugin: 'log' }, 0);
    this.#listen();
  }

  /** @throws Error naming the path when it cannot be appended to */
  static open(options: AuditFileOptions): AuditFile {
    const { stream, bytes } = append(options.path);
    return new AuditFile(options, stream, bytes);
  }

  /** @param line without its end */
  write(line: string): void {
    if (this.#held !== undefined) {
      if (this.#held.length < 10_000) this.#held.push(line);
      else this.#errors.inc({ plugin: 'log' });
      return;
    }
    if (this.#isFailing || this.#stream.writableLength > PENDING_BYTES) {
      this.#errors.inc({ plugin: 'log' });
      return;
    }
    const text = `${line}\n`;
    this.#bytes += Buffer.byteLength(text);
    this.#stream.write(text);
    if (this.#bytes >= this.#options.maxBytes) this.#rotation = this.#rotate();
  }

  /** Resolves when all lines are written, or cannot be. */
  async close(): Promise<void> {
    await this.#rotation;
    await end(this.#stream);
  }

  #listen(): void {
    this.#stream.on('error', (error) => {
      this.#isFailing = true;
      this.#errors.inc({ plugin: 'log' });
      this.#options.logger.error('The audit log cannot be written; requests go on without it', {
        path: this.#options.path,
        error,
      });
    });
  }

  async #rotate(): Promise<void> {
    const { path: file, clock, logger } = this.#options;
    this.#held = [];
    await end(this.#stream);
    try {
      const stamp = new Date(clock.now()).toISOString().replaceAll(':', '-');
      const { dir, name, ext } = path.parse(file);
      await rename(file, path.join(dir, `${name}-${stamp}${ext}`));
      await this.#removeOld();
    } catch (error) {
      logger.warn('The audit log could not be renamed and grows on', { path: file, error });
    }
    try {
      const { stream } = append(file);
      this.#stream = stream;
      this.#bytes = 0;
      this.#listen();
    } catch (error) {
      this.#isFailing = true;
      logger.error('The audit log cannot be written; requests go on without it', { error });
    }
    const held = this.#held;
    this.#held = undefined;
    for (const line of held) this.write(line);
  }

  async #removeOld(): Promise<void> {
    const { path: file, maxBackups } = this.#options;
    if (maxBackups === 0) return;
    const { dir, name, ext } = path.parse(file);
    const isOurs = new RegExp(
      `^${RegExp.escape(name)}-\\d{4}-\\d\\d-\\d\\dT[\\d.-]+Z${RegExp.escape(ext)}$`,
    );
    const backups = (await readdir(dir)).filter((entry) => isOurs.test(entry)).toSorted();
    for (const old of backups.slice(0, -maxBackups)) await rm(path.join(dir, old), { force: true });
  }
}

function append(file: string): { readonly stream: WriteStream; readonly bytes: number } {
  const fd = openSync(file, 'a', 0o600);
  return { stream: createWriteStream(file, { fd }), bytes: statSync(file).size };
}

function end(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    stream.once('close', resolve);
    stream.end();
  });
}
