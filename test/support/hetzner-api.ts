// A server that answers as the API of Hetzner Cloud is documented to: tokens, pages, label selectors, actions that take their time,
// locks while one runs, names that are unique, things that are in use, limits, and faults to choose.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface CloudThing {
  readonly id: number;
  readonly name: string;
  labels: Record<string, string>;
  [field: string]: unknown;
}

/** A refusal to give instead of an answer. `lost`: it is done, and the connection ends without an answer. */
export interface CloudFault {
  /** `POST /servers`; the path may end in `*`. */
  readonly on: string;
  readonly code: string;
  /** Also only where the body has these fields. */
  readonly where?: Readonly<Record<string, unknown>>;
  times: number;
}

export const TOKEN = 'a-token-that-must-stay-secret';

const STATUS: Readonly<Record<string, number>> = {
  unauthorized: 401,
  forbidden: 403,
  resource_limit_exceeded: 403,
  not_found: 404,
  conflict: 409,
  uniqueness_error: 409,
  resource_in_use: 409,
  placement_error: 412,
  resource_unavailable: 422,
  invalid_input: 422,
  locked: 423,
  rate_limit_exceeded: 429,
  server_error: 500,
};

const KINDS: Readonly<Record<string, string>> = {
  servers: 'server',
  networks: 'network',
  firewalls: 'firewall',
  placement_groups: 'placement_group',
  floating_ips: 'floating_ip',
  load_balancers: 'load_balancer',
  images: 'image',
};

interface RunningAction {
  readonly id: number;
  readonly command: string;
  readonly thing: CloudThing | undefined;
  polls: number;
  readonly done: () => void;
  status: 'running' | 'success';
}

class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message = code) {
    super(message);
    this.code = code;
  }
}

export class HetznerApi {
  readonly things: Record<string, CloudThing[]> = Object.fromEntries(
    Object.keys(KINDS).map((kind) => [kind, []]),
  );
  /** Requests that were let in: `POST /servers`. */
  readonly calls: string[] = [];
  /** Bodies of `POST /servers`. */
  readonly creates: Readonly<Record<string, unknown>>[] = [];
  readonly faults: CloudFault[] = [];
  /** Most things on a page, whatever is asked for. */
  pageSize = 50;
  /** How often an action is looked at before it is done. */
  pollsPerAction = 1;
  /** How many lists leave out what was just made. */
  listsBehind = 0;
  /** Locations that have servers. */
  stock: readonly string[] = ['fsn1', 'nbg1', 'hel1'];
  /** Servers that do not hear a shutdown. */
  readonly deaf = new Set<string>();
  readonly #server: Server;
  readonly #actions = new Map<number, RunningAction>();
  readonly #hidden = new Map<number, number>();
  #number = 100;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<HetznerApi> {
    const api = new HetznerApi();
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Puts something there as if somebody had made it by hand. */
  add(kind: string, name: string, fields: Readonly<Record<string, unknown>> = {}): CloudThing {
    this.#number += 1;
    const thing: CloudThing = { id: this.#number, name, labels: {}, ...fields };
    this.things[kind]?.push(thing);
    return thing;
  }

  find(kind: string, name: string): CloudThing | undefined {
    return this.things[kind]?.find((thing) => thing.name === name);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '/', 'http://cloud');
    const path = url.pathname.replace(/^\/v1/, '');
    const call = `${request.method ?? ''} ${path}`;
    const send = (status: number, body: object): void => {
      response.writeHead(status, {
        'content-type': 'application/json',
        'ratelimit-limit': '3600',
        'ratelimit-remaining': status === 429 ? '0' : '3599',
        'ratelimit-reset': '0',
      });
      response.end(JSON.stringify(body));
    };
    try {
      if (request.headers.authorization !== `Bearer ${TOKEN}`)
        throw new Refusal('unauthorized', 'unable to authenticate');
      this.calls.push(call);
      const body = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
      const fault = this.#faultFor(call, body);
      if (fault !== undefined && fault.code !== 'lost')
        throw new Refusal(fault.code, `${fault.code} for ${request.headers.authorization}`);
      const answer = this.#answer(request.method ?? '', path, url.searchParams, body);
      if (fault === undefined) send(request.method === 'POST' ? 201 : 200, answer);
      else response.destroy();
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'server_error';
      const { message } = error as Error;
      send(STATUS[code] ?? 400, { error: { code, message, details: {} } });
    }
  }

  #faultFor(call: string, body: Readonly<Record<string, unknown>>): CloudFault | undefined {
    const fault = this.faults.find(
      ({ on, times, where = {} }) =>
        times > 0 &&
        (on.endsWith('*') ? call.startsWith(on.slice(0, -1)) : call === on) &&
        Object.entries(where).every(([key, value]) =>
          value === undefined ? body[key] !== undefined : body[key] === value,
        ),
    );
    if (fault !== undefined) fault.times -= 1;
    return fault;
  }

  #answer(
    method: string,
    path: string,
    query: URLSearchParams,
    body: Readonly<Record<string, unknown>>,
  ): object {
    const [, kind = '', id, isAction, command] = path.split('/');
    if (kind === 'actions') return { action: this.#look(Number(id)) };
    if (kind === 'server_types') return { server_types: [{ id: 1, name: 'cx23' }] };
    if (kind === 'datacenters')
      return {
        datacenters: ['fsn1', 'nbg1', 'hel1'].map((name) => ({
          name: `${name}-dc1`,
          location: { name },
          server_types: { available: this.stock.includes(name) ? [1] : [] },
        })),
      };
    const one = KINDS[kind];
    if (one === undefined) throw new Refusal('not_found');
    if (id === undefined)
      return method === 'GET' ? this.#list(kind, query) : this.#create(kind, one, body);
    const thing = this.things[kind]?.find((found) => found.id === Number(id));
    if (thing === undefined) throw new Refusal('not_found', `${one} ${id} not found`);
    if (isAction !== undefined) return this.#act(kind, thing, command ?? '', body);
    if (method === 'GET') return { [one]: thing };
    if (method === 'PUT') return { [one]: Object.assign(thing, body) };
    return this.#delete(kind, thing);
  }

  #list(kind: string, query: URLSearchParams): object {
    const name = query.get('name');
    const terms = (query.get('label_selector') ?? '').split(',').filter((term) => term !== '');
    const matching = (this.things[kind] ?? []).filter(
      (thing) =>
        !this.#isHidden(thing) &&
        (name === null || thing.name === name) &&
        terms.every((term) => {
          const [key = '', value] = term.split(/==?/);
          return value === undefined
            ? thing.labels[key] !== undefined
            : thing.labels[key] === value;
        }),
    );
    const size = Math.min(this.pageSize, Number(query.get('per_page') ?? '25'), 50);
    const page = Number(query.get('page') ?? '1');
    const last = Math.max(1, Math.ceil(matching.length / size));
    return {
      [kind]: matching.slice((page - 1) * size, page * size),
      meta: {
        pagination: {
          page,
          per_page: size,
          next_page: page < last ? page + 1 : null,
          last_page: last,
        },
      },
    };
  }

  #isHidden(thing: CloudThing): boolean {
    const left = this.#hidden.get(thing.id) ?? 0;
    if (left > 0) this.#hidden.set(thing.id, left - 1);
    return left > 0;
  }

  #create(kind: string, one: string, body: Readonly<Record<string, unknown>>): object {
    const name = String(body['name']);
    if (kind === 'servers') this.creates.push(body);
    if (this.find(kind, name) !== undefined)
      throw new Refusal('uniqueness_error', `${one} name is already used`);
    if (kind !== 'servers') {
      const fields = { subnets: [], rules: [], server: null, ip: '192.0.2.1', ...body };
      return { [one]: this.add(kind, name, fields) };
    }
    const location = String(body['location']);
    if (!this.stock.includes(location))
      throw new Refusal('resource_unavailable', `error during placement in ${location}`);
    if (body['image'] === undefined) throw new Refusal('invalid_input', 'image is required');
    const server = this.add('servers', name, {
      labels: body['labels'],
      status: 'initializing',
      location,
      iso: null,
      server_type: { name: body['server_type'] },
      public_net: { ipv4: { ip: `192.0.2.${this.#number % 250}` } },
      private_net: (body['networks'] as readonly number[]).map((network) => ({
        network,
        ip: '10.0.1.2',
      })),
      placement_group: body['placement_group'] ?? null,
      firewalls: body['firewalls'] ?? [],
    });
    this.#hidden.set(server.id, this.listsBehind);
    const state = body['start_after_create'] === false ? 'off' : 'running';
    return {
      server,
      action: this.#begin('create_server', server, () => void (server['status'] = state)),
      next_actions: [],
    };
  }

  #act(
    kind: string,
    thing: CloudThing,
    command: string,
    body: Readonly<Record<string, unknown>>,
  ): object {
    const set = (fields: object) => (): void => void Object.assign(thing, fields);
    if (kind === 'servers') {
      if (
        [...this.#actions.values()].some(
          (other) => other.thing === thing && other.status === 'running',
        )
      )
        throw new Refusal('locked', 'the server is locked by another action');
      if (command === 'attach_iso')
        return { action: this.#begin(command, thing, set({ iso: { name: body['iso'] } })) };
      if (command === 'poweron')
        return { action: this.#begin(command, thing, set({ status: 'running' })) };
      if (command === 'poweroff')
        return { action: this.#begin(command, thing, set({ status: 'off' })) };
      const hears = !this.deaf.has(thing.name);
      if (command === 'shutdown')
        return { action: this.#begin(command, thing, set(hears ? { status: 'off' } : {})) };
    }
    if (command === 'set_rules')
      return { actions: [this.#begin(command, thing, set({ rules: body['rules'] }))] };
    if (command === 'add_subnet')
      return { action: this.#begin(command, thing, set({ subnets: [body] })) };
    if (command === 'assign')
      return { action: this.#begin(command, thing, set({ server: body['server'] })) };
    if (command === 'unassign')
      return { action: this.#begin(command, thing, set({ server: null })) };
    throw new Refusal('not_found', `no action ${command}`);
  }

  #delete(kind: string, thing: CloudThing): object {
    const servers = this.things['servers'] ?? [];
    const uses = servers.some(
      (server) =>
        (kind === 'placement_groups' && server['placement_group'] === thing.id) ||
        (kind === 'firewalls' &&
          (server['firewalls'] as readonly { firewall: number }[]).some(
            ({ firewall }) => firewall === thing.id,
          )) ||
        (kind === 'networks' &&
          (server['private_net'] as readonly { network: number }[]).some(
            ({ network }) => network === thing.id,
          )),
    );
    const balanced =
      kind === 'networks' &&
      (this.things['load_balancers'] ?? []).some(({ network }) => network === thing.id);
    if (uses || balanced) throw new Refusal('resource_in_use', `${thing.name} is in use`);
    const gone = (): void => {
      this.things[kind] = (this.things[kind] ?? []).filter((other) => other !== thing);
      for (const address of this.things['floating_ips'] ?? [])
        if (address['server'] === thing.id) address['server'] = null;
    };
    if (kind === 'servers') return { action: this.#begin('delete_server', thing, gone) };
    gone();
    return {};
  }

  #begin(command: string, thing: CloudThing, done: () => void): object {
    this.#number += 1;
    const action: RunningAction = {
      id: this.#number,
      command,
      thing,
      polls: this.pollsPerAction,
      done,
      status: 'running',
    };
    this.#actions.set(action.id, action);
    return { id: action.id, command, status: action.status, progress: 0, error: null };
  }

  #look(id: number): object {
    const action = this.#actions.get(id);
    if (action === undefined) throw new Refusal('not_found');
    action.polls -= 1;
    if (action.polls <= 0 && action.status === 'running') {
      action.status = 'success';
      action.done();
    }
    return { id, command: action.command, status: action.status, error: null };
  }
}
