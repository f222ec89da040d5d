// One API server and one webhook server, and what the cases of admission-cases.ts need of both: configurations that are known for sure,
// and what was seen without that which differs from run to run.
import { eventually } from './eventually.ts';
import type { RawAnswer, RawApi } from './raw-api.ts';
import type { Answer, Review, WebhookServer } from './webhook-server.ts';

export type Doc = Record<string, unknown>;

const GROUP = '/apis/admissionregistration.k8s.io/v1';
export const CONFIGMAPS = {
  operations: ['*'],
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['configmaps'],
};

interface Webhook {
  readonly name: string;
  readonly answer?: Answer;
  readonly [field: string]: unknown;
}

/** One server and one webhook server, and what cases need of them. */
export class AdmissionWorld {
  readonly api: RawApi;
  readonly server: WebhookServer;
  readonly namespace: string;

  constructor(api: RawApi, server: WebhookServer, namespace: string) {
    this.api = api;
    this.server = server;
    this.namespace = namespace;
  }

  call(method: string, path: string, body?: unknown, type?: string): Promise<RawAnswer> {
    return this.api.call({
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { type }),
    });
  }

  get configMaps(): string {
    return `/api/v1/namespaces/${this.namespace}/configmaps`;
  }

  create(name: string, more: Doc = {}, query = ''): Promise<RawAnswer> {
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      ...more,
      metadata: { name, ...(more['metadata'] as Doc | undefined) },
    };
    return this.call('POST', `${this.configMaps}${query}`, body);
  }

  /** Configures webhooks of this namespace, and waits until the server knows them. */
  async configure(
    kind: 'Mutating' | 'Validating',
    name: string,
    webhooks: readonly Webhook[],
  ): Promise<() => Promise<void>> {
    const path = `${GROUP}/${kind.toLowerCase()}webhookconfigurations`;
    const marker = { name: `marker.${name}.example.com`, path: `/marker-${name}` };
    const objectSelector = { matchLabels: { marker: name } };
    const deny = { allowed: false, status: { message: 'marked' } };
    const all = [{ name: marker.name, objectSelector, answer: () => deny }, ...webhooks];
    const body = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: `${kind}WebhookConfiguration`,
      metadata: { name },
      webhooks: all.map(({ answer, ...webhook }) => {
        const at = webhook.name === marker.name ? marker.path : `/${webhook.name}`;
        if (answer !== undefined) this.server.on(at, answer);
        return {
          clientConfig: this.server.clientConfig(at),
          rules: [CONFIGMAPS],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: 30,
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': this.namespace } },
          ...webhook,
          ...(webhook.name === marker.name ? { rules: [CONFIGMAPS] } : {}),
        };
      }),
    };
    const made = await this.call('POST', path, body);
    if (made.code !== 201) throw new Error(`${name}: ${JSON.stringify(made.body)}`);
    const isKnown = async (): Promise<boolean> => {
      const metadata = { labels: { marker: name } };
      this.server.asked.length = 0;
      await this.create(`marker-${name}`, { metadata }, '?dryRun=All');
      return this.server.reviews(marker.path).length > 0;
    };
    await eventually(`${name} is known`, async () => {
      if (!(await isKnown())) throw new Error('not yet');
    });
    this.server.asked.length = 0;
    return async () => {
      await this.call('DELETE', `${path}/${name}`);
      await eventually(`${name} is forgotten`, async () => {
        if (await isKnown()) throw new Error('not yet');
      });
    };
  }

  /** Texts without what differs from run to run. */
  plain(value: unknown): unknown {
    const text = JSON.stringify(value ?? null)
      .replaceAll(String(this.server.port), 'PORT')
      .replaceAll(this.namespace, 'NS')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/"gen-[a-z0-9]{5}"/g, '"GENERATED"');
    return JSON.parse(text) as unknown;
  }

  /** The Status of a refusal, or the code alone. */
  outcome({ code, body }: RawAnswer): unknown {
    const { kind, reason, message, details } = body as Doc;
    if (kind !== 'Status' || code < 300) return { code };
    return this.plain({ code, reason, message, details });
  }
}

/** Names of fields at the top and in metadata: what of an object is there. */
function shape(object: Readonly<Record<string, unknown>> | null): unknown {
  if (object === null) return null;
  // A status that is empty, and owners of a Scale, are there upstream.
  const fields = Object.keys(object).filter((field) => field !== 'status');
  const metadata = Object.keys(object['metadata'] ?? {});
  const told = metadata.filter((field) => field !== 'managedFields' || object['kind'] !== 'Scale');
  return { fields: fields.toSorted(), metadata: told.toSorted() };
}

export function requestOf({ request }: Review): unknown {
  const { uid: _uid, object, oldObject, userInfo, ...rest } = request;
  return {
    ...rest,
    user: Object.keys(userInfo as Doc)
      .filter((field) => field !== 'uid')
      .toSorted(),
    object: shape(object),
    oldObject: shape(oldObject),
  };
}
