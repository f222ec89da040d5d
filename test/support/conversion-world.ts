// One API server and one webhook that converts, and what the cases of conversion-cases.ts need of both: definitions of kinds of which
// v1beta1 keeps `hostPort: "a:1"` where v1, which is stored, has `host: a` and `port: "1"`.
import { isDeepStrictEqual } from 'node:util';
import { eventually } from './eventually.ts';
import type { RawAnswer, RawApi } from './raw-api.ts';
import type { Answer, Review, WebhookServer } from './webhook-server.ts';

export type Doc = Record<string, unknown>;

export const GROUP = 'conversion.example.com';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const text = { type: 'string' };

export interface Thing extends Doc {
  apiVersion: string;
  kind: string;
  metadata: Doc;
  spec?: Doc;
  status?: Doc;
}

export class ConversionWorld {
  readonly api: RawApi;
  readonly server: WebhookServer;

  constructor(api: RawApi, server: WebhookServer) {
    this.api = api;
    this.server = server;
    server.on(
      '/convert',
      convertAll((one) => one),
    );
  }

  call(method: string, path: string, body?: unknown, type?: string): Promise<RawAnswer> {
    return this.api.call({
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { type }),
    });
  }

  path(plural: string, version: string, name = ''): string {
    const collection = `/apis/${GROUP}/${version}/namespaces/default/${plural}`;
    return name === '' ? collection : `${collection}/${name}`;
  }

  /** Makes a kind and waits until both versions of it are served. */
  async define(plural: string, answer?: Answer, client: Doc = {}): Promise<void> {
    const at = answer === undefined ? '/convert' : `/${plural}`;
    if (answer !== undefined) this.server.on(at, answer);
    const made = await this.call('POST', DEFINITIONS, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${GROUP}` },
      spec: {
        group: GROUP,
        scope: 'Namespaced',
        names: { plural, kind: kindOf(plural) },
        conversion: {
          strategy: 'Webhook',
          webhook: {
            conversionReviewVersions: ['v1'],
            clientConfig: { ...this.server.clientConfig(at), ...client },
          },
        },
        versions: [
          version('v1', true, { host: text, port: text, replicas: { type: 'integer' } }),
          version('v1beta1', false, { hostPort: text, replicas: { type: 'integer' } }),
        ],
      },
    });
    if (made.code !== 201) throw new Error(JSON.stringify(made.body));
    for (const one of ['v1', 'v1beta1']) {
      await eventually(`${plural} are served as ${one}`, async () => {
        const { body } = await this.call('GET', `/apis/${GROUP}/${one}`);
        const { resources = [] } = body as { resources?: { name: string }[] };
        if (!resources.some(({ name }) => name === plural)) throw new Error('not yet');
        const { code } = await this.call('GET', this.path(plural, one, 'nothing'));
        const { body: answered } = await this.call('GET', this.path(plural, one, 'nothing'));
        if (code !== 404 || typeof answered === 'string') throw new Error('not yet');
      });
    }
  }

  /** Changes a definition, and waits until `isKnown`. */
  async redefine(plural: string, patch: Doc, isKnown: () => Promise<boolean>): Promise<void> {
    const path = `${DEFINITIONS}/${plural}.${GROUP}`;
    const { code, body } = await this.call('PATCH', path, patch, 'application/merge-patch+json');
    if (code !== 200) throw new Error(JSON.stringify(body));
    await eventually(`the change of ${plural} is known`, async () => {
      if (!(await isKnown())) throw new Error('not yet');
    });
  }

  thing(plural: string, of: string, name: string, more: Doc = {}): Thing {
    const spec = of === 'v1' ? { host: 'a', port: '1' } : { hostPort: 'a:1' };
    return {
      apiVersion: `${GROUP}/${of}`,
      kind: kindOf(plural),
      spec,
      ...more,
      metadata: { name, ...(more['metadata'] as Doc | undefined) },
    };
  }

  create(plural: string, of: string, name: string, more: Doc = {}): Promise<RawAnswer> {
    return this.call('POST', this.path(plural, of), this.thing(plural, of, name, more));
  }

  get(plural: string, of: string, name: string): Promise<RawAnswer> {
    return this.call('GET', this.path(plural, of, name));
  }

  /** So many events of a watch. */
  async events(path: string, count: number, onOpen?: () => Promise<void>): Promise<Doc[]> {
    const lines = this.api.lines(path);
    const first = lines.next();
    await onOpen?.();
    const events: Doc[] = [];
    for (let next = await first; next.done !== true; next = await lines.next()) {
      events.push(JSON.parse(next.value) as Doc);
      if (events.length === count) break;
    }
    await lines.return(undefined);
    return events;
  }

  /** Texts without what differs from run to run. */
  plain(value: unknown): unknown {
    const shown = JSON.stringify(value ?? null)
      .replaceAll(String(this.server.port), 'PORT')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID');
    return JSON.parse(shown) as unknown;
  }

  /** What a client can tell of an answer: a refusal, or the part of the object that conversion is about. */
  outcome({ code, body }: RawAnswer): unknown {
    const { kind, reason, message, items } = body as Doc;
    if (kind === 'Status' && code >= 300) return this.plain({ code, reason, message });
    return {
      code,
      ...(items === undefined ? shape(body) : { items: (items as Doc[]).map(shape) }),
    };
  }
}

function version(name: string, storage: boolean, properties: Doc): Doc {
  return {
    name,
    served: true,
    storage,
    subresources: {
      status: {},
      scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
    },
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: { type: 'object', properties },
          status: {
            type: 'object',
            properties: { replicas: { type: 'integer' }, phase: text },
          },
        },
      },
    },
  };
}

function kindOf(plural: string): string {
  return `${plural.slice(0, 1).toUpperCase()}${plural.slice(1, -1)}`;
}

/** What is there of an object, without what differs from run to run. */
export function shape(value: unknown): Doc {
  const { apiVersion, spec, status, metadata = {} } = value as Partial<Thing>;
  const { name, labels, annotations, finalizers, generation } = metadata;
  const owners = ((metadata['managedFields'] ?? []) as Doc[]).map(
    ({ manager, operation, apiVersion: of, fieldsV1, subresource }) => ({
      manager,
      operation,
      apiVersion: of,
      subresource,
      fieldsV1,
    }),
  );
  const all = {
    apiVersion,
    name,
    labels,
    annotations,
    finalizers,
    generation,
    spec,
    status,
    owners,
  };
  return JSON.parse(JSON.stringify(all)) as Doc;
}

/** A whole answer: every object converted, then changed by `spoil`. */
export function convertAll(spoil: (object: Doc) => unknown): Answer {
  return (review) =>
    respond(review, {
      convertedObjects: objectsOf(review).map((one) => spoil(converted(review, one))),
    });
}

export function respond(review: Review, response: Doc, more: Doc = {}): ReturnType<Answer> {
  const { apiVersion, kind, request } = review;
  const body = {
    apiVersion,
    kind,
    response: { uid: request.uid, result: { status: 'Success' }, ...response },
    ...more,
  };
  return (answer) => {
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify(body));
  };
}

export function objectsOf({ request }: Review): readonly Thing[] {
  return request['objects'] as readonly Thing[];
}

function converted({ request }: Review, object: Thing): Thing {
  const to = String(request['desiredAPIVersion']);
  const { spec } = object;
  const result: Thing = { ...object, apiVersion: to };
  if (spec === undefined || isDeepStrictEqual(object.apiVersion, to)) return result;
  const { host, port, hostPort, ...rest } = spec;
  if (to.endsWith('/v1')) {
    const [first, second] = (typeof hostPort === 'string' ? hostPort : ':').split(':');
    result.spec = { ...rest, host: first, port: second };
  } else result.spec = { ...rest, hostPort: `${String(host)}:${String(port)}` };
  return result;
}
