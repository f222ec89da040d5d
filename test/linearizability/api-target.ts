// A real server as what is tested: ConfigMaps over HTTPS, with whoever serves at the moment.
import type { IncomingMessage } from 'node:http';
import { call, open } from '#controlplane/control-plane-fixture.ts';
import type { ServerProcess } from '#controlplane/process-fixture.ts';
import type { Action, Outcome, Version, WatchEvent, WatchLog } from './history.ts';
import type { Target } from './workload.ts';

export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: { readonly value?: string };
}

/** The server of the moment; resolves when there is one. */
export type Serving = () => Promise<ServerProcess>;

export class ApiTarget implements Target {
  readonly #serving: Serving;

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  async perform(action: Action): Promise<Outcome> {
    const { url, admin } = await this.#serving();
    const { method, path, body } = requestOf(action);
    try {
      const { code, json } = await call(url, admin, method, path, body);
      if (code === 409) return { result: 'refused' };
      if (code === 404) return action.verb === 'get' ? { result: 'absent' } : { result: 'refused' };
      if (code !== 200 && code !== 201) return { result: 'unknown' };
      const version = versionOf(json as unknown as Stored);
      if (action.verb === 'delete') return { result: 'deleted' };
      return action.verb === 'get'
        ? { result: 'found', ...version }
        : { result: 'written', revision: version.revision };
    } catch {
      return { result: 'unknown' };
    }
  }

  async list(): Promise<{ revision: number; items: ReadonlyMap<string, Version> } | undefined> {
    const { url, admin } = await this.#serving();
    try {
      const { code, json } = await call(url, admin, 'GET', CONFIG_MAPS);
      if (code !== 200) return undefined;
      const { metadata, items } = json as unknown as {
        readonly metadata: { readonly resourceVersion: string };
        readonly items: readonly Stored[];
      };
      return {
        revision: Number(metadata.resourceVersion),
        items: new Map(items.map((item) => [item.metadata.name, versionOf(item)])),
      };
    } catch {
      return undefined;
    }
  }
}

/** Follows the ConfigMaps, over every restart of the server, from the event that it saw last. */
export class ApiWatcher {
  readonly #serving: Serving;
  readonly #since: number;
  readonly #events: WatchEvent[] = [];
  #newest: number;
  #response: IncomingMessage | undefined;
  #isOver = false;

  /** @param since a revision at which there was no ConfigMap */
  constructor(serving: Serving, since: number) {
    this.#serving = serving;
    this.#since = since;
    this.#newest = since;
  }

  get newest(): number {
    return this.#newest;
  }

  /** Until stop(). @throws Error when the server answers anything but the events after the last one */
  async run(): Promise<void> {
    while (!this.#isOver) {
      const { url, admin } = await this.#serving();
      try {
        const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${this.#newest}`;
        this.#response = await open(url, admin, 'GET', `${CONFIG_MAPS}?${query}`);
      } catch {
        continue;
      }
      if (this.#response.statusCode !== 200)
        throw new Error(`The watch from ${this.#newest} got ${this.#response.statusCode ?? 0}`);
      await this.#read(this.#response);
    }
  }

  stop(): void {
    this.#isOver = true;
    this.#response?.destroy();
  }

  log(through: number): WatchLog {
    return { since: this.#since, startsEmpty: true, events: this.#events, through };
  }

  async #read(response: IncomingMessage): Promise<void> {
    let text = '';
    try {
      for await (const chunk of response.setEncoding('utf8')) {
        text += String(chunk);
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) this.#take(line);
      }
    } catch {
      // The server was killed. Half a line is nothing.
    }
  }

  #take(line: string): void {
    const { type, object } = JSON.parse(line) as {
      readonly type: WatchEvent['type'];
      readonly object: Stored;
    };
    const version = versionOf(object);
    if (!Number.isInteger(version.revision)) throw new Error(`The watch got ${line}`);
    this.#events.push({
      type,
      key: type === 'BOOKMARK' ? '' : object.metadata.name,
      ...version,
    });
    this.#newest = version.revision;
  }
}

function versionOf({ metadata, data }: Stored): Version {
  return { revision: Number(metadata.resourceVersion), value: data?.value ?? '' };
}

function requestOf(action: Action): {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
} {
  const path = `${CONFIG_MAPS}/${action.key}`;
  const revision = 'expected' in action ? { resourceVersion: String(action.expected) } : {};
  switch (action.verb) {
    case 'get':
      return { method: 'GET', path };
    case 'delete':
      return { method: 'DELETE', path, body: { preconditions: revision } };
    default: {
      const body = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: action.key, ...revision },
        data: { value: action.value },
      };
      return action.verb === 'create'
        ? { method: 'POST', path: CONFIG_MAPS, body }
        : { method: 'PUT', path, body };
    }
  }
}
