// The files of the page, made ready in a thread of their own when somebody first asks for one: types stripped, imports of packages turned
// into addresses, compressed. The thread that serves requests has no part in that, and a server whose console nobody opens pays nothing.
import { Worker } from 'node:worker_threads';

import type { Logger } from '#platform/logging.ts';

import type { ConsoleFile } from '../http/console-port.ts';

import type { BuiltFile } from './build-files.ts';

export class ConsoleFiles {
  readonly #logger: Logger;
  #files: Promise<ReadonlyMap<string, ConsoleFile>> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @throws Error what made the thread fail; the next one who asks has it tried again */
  async file(name: string): Promise<ConsoleFile | undefined> {
    this.#files ??= build().catch((error: unknown) => {
      this.#files = undefined;
      this.#logger.error('The console cannot be served', { error });
      throw error;
    });
    return (await this.#files).get(name);
  }
}

function build(): Promise<ReadonlyMap<string, ConsoleFile>> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./console-worker.ts', import.meta.url), {
      // Stripping types is what Node does with all of this program, but saying so would be on everybody's screen.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    worker.once('message', (files: readonly BuiltFile[]) => {
      resolve(
        new Map(
          files.map(({ name, contentType, etag, identity, gzip, brotli }) => [
            name,
            {
              contentType,
              etag,
              identity: Buffer.from(identity),
              gzip: Buffer.from(gzip),
              brotli: Buffer.from(brotli),
            },
          ]),
        ),
      );
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread ended with ${code}`)));
    worker.unref();
  });
}
