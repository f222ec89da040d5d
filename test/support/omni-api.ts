// A server that answers as Omni's HTTP gateway does: signatures of service accounts, resources with versions and finalizers, machines
// that take their time, pages, and faults to choose.
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createMessage, generateKey, readKey, readSignature, verify } from 'openpgp';
import type { PublicKey } from 'openpgp';

export interface StoredResource {
  readonly metadata: {
    readonly namespace: string;
    readonly type: string;
    readonly id: string;
    version: string;
    phase: string;
    finalizers: string[];
    readonly labels: Record<string, string>;
  };
  spec: Record<string, unknown>;
}

export interface OmniFault {
  readonly method: string;
  readonly type?: string;
  /** Of gRPC. `lost`: it is done, and the connection ends without an answer. */
  readonly code: number | 'lost';
  times: number;
}

const HTTP: Readonly<Record<number, number>> = {
  3: 400,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  14: 503,
  16: 401,
};
const SERVICE = '/omni.resources.ResourceService/';
const RUNNING = 4;
const CONFIGURING = 3;

class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface Request {
  readonly namespace?: string;
  readonly type?: string;
  readonly id?: string;
  readonly offset?: number;
  readonly limit?: number;
  readonly resource?: { readonly metadata: StoredResource['metadata']; readonly spec: string };
}

export class OmniApi {
  readonly resources: StoredResource[] = [];
  readonly calls: string[] = [];
  readonly faults: OmniFault[] = [];
  /** For a Secret. */
  readonly key: string;
  /** How often a status is asked for before a new machine runs, and how often a thing before it is let go. */
  patience = 2;
  readonly #server: Server;
  readonly #publicKey: PublicKey;
  readonly #asked = new Map<string, number>();

  private constructor(key: string, publicKey: PublicKey) {
    this.key = key;
    this.#publicKey = publicKey;
    this.#server = createServer((request, response) => {
      void this.#serve(request).then(({ status, body }) => {
        if (body === undefined) return response.destroy();
        response.writeHead(status, { 'content-type': 'application/json' });
        return response.end(JSON.stringify(body));
      });
    });
  }

  static async start(): Promise<OmniApi> {
    const userIDs = [{ name: 'windlass', email: 'windlass@serviceaccount.omni.sidero.dev' }];
    const { privateKey, publicKey } = await generateKey({
      type: 'ecc',
      curve: 'ed25519Legacy',
      userIDs,
    });
    const account = JSON.stringify({ name: 'windlass', pgp_key: privateKey });
    const armored = await readKey({ armoredKey: publicKey });
    const api = new OmniApi(Buffer.from(account).toString('base64'), armored);
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  add(
    type: string,
    id: string,
    labels: Record<string, string> = {},
    spec: Record<string, unknown> = {},
  ): void {
    const metadata = {
      namespace: 'default',
      type: `${type}.omni.sidero.dev`,
      id,
      version: '1',
      phase: 'running',
      finalizers: [],
      labels,
    };
    this.resources.push({ metadata, spec });
  }

  /** Registers machines that are free. */
  addMachines(count: number, labels: Record<string, string> = {}): void {
    for (let index = 1; index <= count; index += 1)
      this.add(
        'MachineStatuses',
        `machine-${String(this.of('MachineStatuses').length + 1).padStart(3, '0')}`,
        {
          'omni.sidero.dev/available': '',
          ...labels,
        },
      );
  }

  of(type: string): readonly StoredResource[] {
    return this.resources.filter(({ metadata }) => metadata.type === `${type}.omni.sidero.dev`);
  }

  async #serve(
    request: IncomingMessage,
  ): Promise<{ readonly status: number; readonly body?: object }> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    try {
      const method = await this.#authenticated(request);
      const body = JSON.parse(text) as Request;
      const type = body.type ?? body.resource?.metadata.type ?? '';
      this.calls.push(`${method} ${type.split('.')[0] ?? ''}`);
      const fault = this.faults.find(
        (one) =>
          one.times > 0 &&
          one.method === method &&
          (one.type === undefined || type.startsWith(one.type)),
      );
      if (fault !== undefined) fault.times -= 1;
      if (typeof fault?.code === 'number') throw new Refusal(fault.code, 'as asked for');
      const answer = this.#answer(method, body);
      return fault === undefined ? { status: 200, body: answer } : { status: 0 };
    } catch (error) {
      const { code = 2, message } = error as Partial<Refusal>;
      return { status: HTTP[code] ?? 500, body: { code, message, details: [] } };
    }
  }

  /** @returns the method. The signature is over the payload, the payload names method and time */
  async #authenticated({ headers, url = '' }: IncomingMessage): Promise<string> {
    const header = (name: string): string =>
      String(headers[`grpc-metadata-x-sidero-${name}`] ?? '');
    const payload = header('payload');
    const [version, identity, fingerprint, signature = ''] = header('signature').split(' ');
    const refuse = (why: string): Refusal => new Refusal(16, why);
    if (version !== 'siderov1' || identity !== 'windlass') throw refuse('unknown identity');
    if (fingerprint !== this.#publicKey.getFingerprint()) throw refuse('unknown key');
    const verified = await verify({
      message: await createMessage({ binary: Buffer.from(payload) }),
      signature: await readSignature({ binarySignature: Buffer.from(signature, 'base64') }),
      verificationKeys: this.#publicKey,
      date: new Date(Date.now() + 86_400_000 * 365),
    });
    await verified.signatures[0]?.verified.catch(() => {
      throw refuse('the signature does not match');
    });
    const { method, headers: signed } = JSON.parse(payload) as {
      readonly method: string;
      readonly headers: Readonly<Record<string, readonly string[]>>;
    };
    if (signed['x-sidero-timestamp']?.[0] !== header('timestamp'))
      throw refuse('another time was signed');
    if (url !== `/api${method}` || !method.startsWith(SERVICE))
      throw refuse('another method was signed');
    return method.slice(SERVICE.length);
  }

  #answer(method: string, request: Request): object {
    this.#proceed();
    const { type = '', id = '', resource } = request;
    if (method === 'Create' && resource !== undefined) return this.#create(resource);
    if (method === 'List') {
      const all = this.resources.filter(({ metadata }) => metadata.type === type);
      const { offset = 0, limit = 0 } = request;
      const page = limit === 0 ? all : all.slice(offset, offset + limit);
      return { items: page.map((one) => JSON.stringify(one)), total: all.length };
    }
    const found = this.resources.find(
      ({ metadata }) => metadata.type === type && metadata.id === id,
    );
    if (found === undefined) throw new Refusal(5, `resource ${type}(default/${id}) doesn't exist`);
    if (method === 'Get') return { body: JSON.stringify(found) };
    if (method === 'Teardown') {
      // Its controllers let go after a while.
      found.metadata.phase = 'tearingDown';
      found.metadata.finalizers = ['ClusterController'];
      return {};
    }
    if (found.metadata.phase !== 'tearingDown' || found.metadata.finalizers.length > 0)
      throw new Refusal(9, 'resource has pending finalizers');
    this.resources.splice(this.resources.indexOf(found), 1);
    return {};
  }

  #create({
    metadata,
    spec,
  }: {
    readonly metadata: StoredResource['metadata'];
    readonly spec: string;
  }): object {
    if (
      this.resources.some(
        (one) => one.metadata.type === metadata.type && one.metadata.id === metadata.id,
      )
    )
      throw new Refusal(6, `resource ${metadata.type}(default/${metadata.id}) already exists`);
    const whole = { ...metadata, version: '1', phase: 'running', finalizers: [] };
    this.resources.push({ metadata: whole, spec: JSON.parse(spec) as Record<string, unknown> });
    return {};
  }

  /** What Omni's controllers do meanwhile. */
  #proceed(): void {
    for (const { metadata } of this.resources)
      if (metadata.phase === 'tearingDown' && this.#isDue(`gone ${metadata.type} ${metadata.id}`))
        metadata.finalizers = [];
    const nodes = this.of('MachineSetNodes').filter(({ metadata }) => metadata.phase === 'running');
    for (const { metadata } of nodes) {
      const isUp = this.#isDue(
        `up ${metadata.id} ${metadata.labels['windlass.dev/machine-uid'] ?? ''}`,
      );
      const spec = {
        stage: isUp ? RUNNING : CONFIGURING,
        ready: isUp,
        management_address: 'fd00::1',
      };
      const present = this.of('ClusterMachineStatuses').find(
        (one) => one.metadata.id === metadata.id,
      );
      if (present === undefined) this.add('ClusterMachineStatuses', metadata.id, {}, spec);
      else present.spec = spec;
    }
    const there = new Set(nodes.map(({ metadata }) => metadata.id));
    for (const { metadata } of this.of('ClusterMachineStatuses'))
      if (!there.has(metadata.id))
        this.resources.splice(
          this.resources.findIndex((one) => one.metadata === metadata),
          1,
        );
  }

  #isDue(key: string): boolean {
    const asked = (this.#asked.get(key) ?? 0) + 1;
    this.#asked.set(key, asked);
    return asked > this.patience;
  }
}
