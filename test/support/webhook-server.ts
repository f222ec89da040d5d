// A webhook as operators write them: an HTTPS server with an authority of its own. What it answers is decided by path, and everything
// that it was asked is kept.
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { issueAuthority, issueCertificate } from '#controlplane/identity/issuer.ts';

export interface Review {
  readonly kind: string;
  readonly apiVersion: string;
  readonly request: Readonly<Record<string, unknown>> & {
    readonly uid: string;
    readonly object: Readonly<Record<string, unknown>> | null;
    readonly oldObject: Readonly<Record<string, unknown>> | null;
  };
}

/** The `response` of the answer, without its uid; or all that the server does by itself. */
export type Answer = (
  review: Review,
) => Readonly<Record<string, unknown>> | ((response: ServerResponse) => void);

export class WebhookServer {
  readonly port: number;
  /** PEM in base64, as `caBundle` has it. */
  readonly caBundle: string;
  /** The server's own certificate in the same form, which some set-ups give in place of the authority's. */
  readonly ownBundle: string;
  /** Reviews by path, in order. */
  readonly asked: { readonly path: string; readonly query: string; readonly review: Review }[] = [];
  readonly #answers = new Map<string, Answer>();

  private constructor(port: number, caBundle: string, ownBundle: string) {
    this.port = port;
    this.caBundle = caBundle;
    this.ownBundle = ownBundle;
  }

  /** Ended after the test. @param names in its certificate */
  static async start(
    t: Pick<TestContext, 'after'>,
    names: readonly string[] = ['localhost'],
  ): Promise<WebhookServer> {
    const day = 24 * 60 * 60 * 1_000;
    const validity = { notBefore: Date.now() - day, notAfter: Date.now() + day };
    const authority = await issueAuthority('webhook authority', validity);
    const request = {
      usage: 'server',
      commonName: 'webhook',
      dnsNames: names,
      ipAddresses: ['127.0.0.1'],
    } as const;
    const own = await issueCertificate(authority, request, validity);
    const server = createServer({ key: own.privateKey, cert: own.certificate });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const bundle = (pem: string): string => Buffer.from(pem).toString('base64');
    const webhook = new WebhookServer(port, bundle(authority.certificate), bundle(own.certificate));
    server.on('request', (incoming, response) => void webhook.#serve(incoming, response));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return webhook;
  }

  /** Of requests to a path. */
  on(path: string, answer: Answer): void {
    this.#answers.set(path, answer);
  }

  url(path: string): string {
    return `https://127.0.0.1:${this.port}${path}`;
  }

  clientConfig(path: string): Readonly<Record<string, unknown>> {
    return { url: this.url(path), caBundle: this.caBundle };
  }

  /** What was asked on a path so far. */
  reviews(path: string): readonly Review[] {
    return this.asked.filter((one) => one.path === path).map(({ review }) => review);
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { pathname, search } = new URL(incoming.url ?? '/', 'https://webhook');
    const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
    this.asked.push({ path: pathname, query: search, review });
    const answer = this.#answers.get(pathname)?.(review) ?? { allowed: true };
    if (typeof answer === 'function') {
      answer(response);
      return;
    }
    const body = {
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      response: { uid: review.request.uid, ...answer },
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  }
}

/** The response of a webhook that changes the object. */
export function patchAnswer(...operations: readonly object[]): Readonly<Record<string, unknown>> {
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch };
}
