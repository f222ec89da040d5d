// A client that keeps asking, and counts what went wrong: proof that a service answers throughout a change.
import { get } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own. */
export function httpGet(url: string, timeoutMs = 30_000): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('error', reject);
  });
}

/** Asks one request after the other until stopped. */
export class HttpPoller {
  readonly failures: string[] = [];
  /** Each different body in the order of its first appearance. */
  readonly bodies = new Set<string>();
  #requests = 0;
  #isStopping = false;
  readonly #running: Promise<void>;

  constructor(url: string) {
    this.#running = this.#run(url);
  }

  get requests(): number {
    return this.#requests;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #run(url: string): Promise<void> {
    while (!this.#isStopping) {
      this.#requests += 1;
      try {
        const { status, body } = await httpGet(url);
        if (status === 200) this.bodies.add(body);
        else this.failures.push(`status ${status}`);
      } catch (error) {
        this.failures.push(error instanceof Error ? error.message : String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
