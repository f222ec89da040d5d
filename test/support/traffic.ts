// Clients that hammer one port while things change: one connection for each request, connections kept alive and busy, and connections
// kept alive and mostly idle. Every failed request is noted with the kind of client.
import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

type Kind = 'a connection each' | 'kept alive' | 'kept alive, idle';

const CLIENTS: readonly Kind[] = [
  'a connection each',
  'a connection each',
  'kept alive',
  'kept alive',
  ...Array.from({ length: 8 }, () => 'kept alive, idle' as const),
];

export class Traffic {
  /** Of requests sent after the first one that was answered. */
  readonly failures: string[] = [];
  #answered = 0;
  #isStopping = false;
  readonly #port: number;
  readonly #clients: Promise<unknown>;

  constructor(port: number) {
    this.#port = port;
    this.#clients = Promise.all(CLIENTS.map((kind, index) => this.#run(kind, index)));
  }

  get answered(): number {
    return this.#answered;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#clients;
  }

  async #run(kind: Kind, index: number): Promise<void> {
    const agent =
      kind === 'a connection each' ? false : new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#isStopping) {
      // Different for each, so that requests meet every moment of a change.
      await delay(kind === 'kept alive, idle' ? 40 + index * 23 : 2);
      const counts = this.#answered > 0;
      try {
        await ask(this.#port, agent);
        this.#answered += 1;
      } catch (error) {
        if (counts) this.failures.push(`${kind}: ${(error as Error).message}`);
      }
    }
    if (agent !== false) agent.destroy();
  }
}

function ask(port: number, agent: Agent | false): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent, timeout: 30_000 }, (response) => {
      response.on('error', reject).on('end', resolve).resume();
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 30 s')));
    request.on('error', reject);
  });
}
