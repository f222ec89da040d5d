// `clientConfig` of webhooks, of admission and of conversion: where they are and by what they are known.
import { fieldAt, numberAt, stringAt } from './fields.ts';

export interface WebhookService {
  readonly namespace: string;
  readonly name: string;
  /** With a slash in front, or ''. */
  readonly path: string;
  readonly port: number;
}

export interface ClientConfig {
  /** Absent: a service. */
  readonly url: string | undefined;
  readonly service: WebhookService | undefined;
  /** PEM of the authorities that its certificate may be from; absent: those that Node trusts. */
  readonly authority: string | undefined;
}

/** @param client checked when it was written */
export function readClientConfig(client: unknown): ClientConfig {
  const url = stringAt(client, 'url');
  const service = fieldAt(client, 'service');
  // Nothing but white space is none, as upstream has it.
  const authority = Buffer.from(stringAt(client, 'caBundle'), 'base64').toString('utf8');
  return {
    url: url === '' ? undefined : url,
    service:
      service === undefined
        ? undefined
        : {
            namespace: stringAt(service, 'namespace'),
            name: stringAt(service, 'name'),
            path: stringAt(service, 'path'),
            port: numberAt(service, 'port') || 443,
          },
    authority: authority.trim() === '' ? undefined : authority,
  };
}
