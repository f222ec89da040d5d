// Requests as they go over the wire, to any API server: the answer's code and body as they came, whatever they are.
import { Agent, request } from 'undici';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';

export interface RawAnswer {
  readonly code: number;
  readonly body: unknown;
  readonly warnings: string;
}

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly agent?: string;
}

export class RawApi {
  readonly #base: URL;
  readonly #headers: () => Promise<Readonly<Record<string, string>>>;
  readonly #agent: Agent;

  private constructor(
    base: URL,
    headers: () => Promise<Readonly<Record<string, string>>>,
    agent: Agent,
  ) {
    this.#base = base;
    this.#headers = headers;
    this.#agent = agent;
  }

  static async open(kubeconfig: string): Promise<RawApi> {
    const connection = await loadConnection(kubeconfig);
    const agent = new Agent({ connect: connection.tls });
    return new RawApi(connection.server, () => connection.headers(), agent);
  }

  /** A body that is a string is sent as it is. */
  async call({ method, path, body, type, agent = 'test/1' }: RawRequest): Promise<RawAnswer> {
    const answer = await request(new URL(path, this.#base), {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: {
        ...(await this.#headers()),
        accept: 'application/json',
        'user-agent': agent,
        ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    return {
      code: answer.statusCode,
      // What is not served yet is answered in plain text.
      body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text,
      warnings: String(answer.headers['warning'] ?? ''),
    };
  }

  /** The lines of an answer as they come, until it ends or nobody wants more. */
  async *lines(path: string): AsyncGenerator<string> {
    const answer = await request(new URL(path, this.#base), {
      dispatcher: this.#agent,
      headers: { ...(await this.#headers()), accept: 'application/json' },
    });
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body) {
      const lines = `${rest}${decoder.decode(chunk as Buffer, { stream: true })}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}
