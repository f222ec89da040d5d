// Follows CertificateSigningRequests: approves those by which a node renews what it is, signs what was approved for our signers, and
// removes what nobody needs any more.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';

import { parseSigningRequest } from '../api/certificates/signing-request.ts';
import type { SigningRequest } from '../api/certificates/signing-request.ts';
import { ApiError } from '../api/errors.ts';
import { listAt, numberAt, objectAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { Scheme } from '../api/scheme.ts';
import type { Authorizer } from '../identity/authorizer.ts';
import type { CertificateStore } from '../identity/certificate-store.ts';
import { internalContext } from '../registry/internal-context.ts';
import type { Registry } from '../registry/types.ts';
import type { Store, Subscription } from '../store/types.ts';

import { isOver } from './lifetime.ts';
import { signRequest } from './sign-request.ts';
import { isOwnSigner, KUBELET_CLIENT_SIGNER, signerProblem } from './signer-rules.ts';

const REQUESTS = 'certificates.k8s.io/certificatesigningrequests';
const SWEEP_INTERVAL_MS = 10 * 60_000;

export interface SigningRequestsOptions {
  readonly scheme: Scheme;
  readonly store: Store;
  readonly registry: Registry;
  /** Says which requests are approved without a person. */
  readonly authorizer: Authorizer;
  readonly certificates: CertificateStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class SigningRequests {
  readonly #options: SigningRequestsOptions;
  readonly #closing = new AbortController();
  readonly #due = new Set<string>();
  #subscription: Subscription | undefined;
  #cancelTimer: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SigningRequestsOptions) {
    this.#options = options;
  }

  start(): void {
    const { store } = this.#options;
    const { items, revision } = store.list(REQUESTS, {});
    this.#wake(items.map(({ name }) => name));
    this.#subscription = store.watch(REQUESTS, revision, {
      events: (events) => this.#wake(events.map(({ object }) => object.name)),
      closed: () => undefined,
    });
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the control plane is stopping'));
    this.#cancelTimer?.();
    this.#subscription?.close();
    await this.#running;
  }

  #schedule(): void {
    if (this.#closing.signal.aborted) return;
    this.#cancelTimer = this.#options.clock.schedule(SWEEP_INTERVAL_MS, () => {
      this.#wake(this.#options.store.list(REQUESTS, {}).items.map(({ name }) => name));
      this.#schedule();
    });
  }

  #wake(names: readonly string[]): void {
    for (const name of names) this.#due.add(name);
    if (this.#due.size === 0 || this.#closing.signal.aborted) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#wake([]);
    });
  }

  async #run(): Promise<void> {
    // Not within the store's own round.
    await Promise.resolve();
    for (const name of this.#due) {
      this.#due.delete(name);
      if (this.#closing.signal.aborted) return;
      try {
        await this.#settle(name);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        // Changed or deleted meanwhile, which is an event of its own.
        if (error instanceof ApiError && (error.code === 404 || error.code === 409)) continue;
        this.#options.logger.warn('A request for a certificate stays as it is', { name, error });
      }
    }
  }

  async #settle(name: string): Promise<void> {
    const { scheme, store, registry, clock } = this.#options;
    const stored = store.get(REQUESTS, '', name);
    const definition = scheme.byKind('certificates.k8s.io', 'v1', 'CertificateSigningRequest');
    if (stored === undefined || definition === undefined) return;
    const object = JSON.parse(stored.bytes.toString('utf8')) as KubernetesObject;
    if (object.metadata.deletionTimestamp !== undefined) return;
    if (isOver(object, clock.now())) {
      const context = internalContext('certificates', this.#closing.signal);
      const preconditions = { uid: stored.uid, resourceVersion: String(stored.revision) };
      await registry.delete({ definition, namespace: '', name }, { preconditions }, context);
      return;
    }
    const types = listAt(object, 'status', 'conditions').map((one) => stringAt(one, 'type'));
    const isDecided = ['Denied', 'Failed'].some((type) => types.includes(type));
    if (isDecided || stringAt(object, 'status', 'certificate') !== '') return;
    const request = requestOf(object);
    if (types.includes('Approved')) await this.#sign(definition, object, request);
    else if (this.#approves(object, request))
      await this.#write(definition, object, 'approval', {
        type: 'Approved',
        reason: 'AutoApproved',
        message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
      });
  }

  async #sign(
    definition: ResourceDefinition,
    object: KubernetesObject,
    request: SigningRequest,
  ): Promise<void> {
    const signer = stringAt(object, 'spec', 'signerName');
    if (!isOwnSigner(signer)) return;
    const usages = listAt(object, 'spec', 'usages').map(String);
    const problem = signerProblem(signer, request, usages);
    if (problem !== undefined) {
      const reason = 'SignerValidationFailure';
      const message = `invalid request: ${problem}`;
      await this.#write(definition, object, 'status', { type: 'Failed', reason, message });
      return;
    }
    const { certificates, logger } = this.#options;
    const seconds = numberAt(object, 'spec', 'expirationSeconds');
    const certificate = await signRequest(certificates, request, usages, seconds);
    const encoded = Buffer.from(certificate).toString('base64');
    await this.#write(definition, object, 'status', undefined, encoded);
    const user = stringAt(object, 'spec', 'username');
    logger.info('Certificate signed', { signer, user, subject: request.commonName });
  }

  /** A node that renews its own certificate, or whoever may let nodes in. */
  #approves(object: KubernetesObject, request: SigningRequest): boolean {
    if (stringAt(object, 'spec', 'signerName') !== KUBELET_CLIENT_SIGNER) return false;
    const usages = listAt(object, 'spec', 'usages').map(String);
    if (signerProblem(KUBELET_CLIENT_SIGNER, request, usages) !== undefined) return false;
    const name = stringAt(object, 'spec', 'username');
    const kinds = name === request.commonName ? ['selfnodeclient', 'nodeclient'] : ['nodeclient'];
    const user = {
      name,
      groups: listAt(object, 'spec', 'groups').map(String),
      uid: stringAt(object, 'spec', 'uid'),
      extra: objectAt(object, 'spec', 'extra') as Record<string, readonly string[]>,
    };
    return kinds.some(
      (subresource) =>
        this.#options.authorizer.authorize({
          user,
          verb: 'create',
          isResourceRequest: true,
          path: '',
          group: 'certificates.k8s.io',
          version: '*',
          resource: 'certificatesigningrequests',
          subresource,
          namespace: '',
          name: '',
          fieldSelector: '',
        }).allowed,
    );
  }

  async #write(
    definition: ResourceDefinition,
    object: KubernetesObject,
    subresource: 'approval' | 'status',
    condition:
      { readonly type: string; readonly reason: string; readonly message: string } | undefined,
    certificate?: string,
  ): Promise<void> {
    const conditions = [
      ...listAt(object, 'status', 'conditions'),
      ...(condition === undefined ? [] : [{ ...condition, status: 'True' }]),
    ];
    const changed: KubernetesObject = {
      ...object,
      status: {
        ...objectAt(object, 'status'),
        conditions,
        ...(certificate === undefined ? {} : { certificate }),
      },
    };
    const target = { definition, namespace: '', name: object.metadata.name ?? '' };
    const context = internalContext('certificates', this.#closing.signal);
    await this.#options.registry.update(
      target,
      subresource,
      { object: changed, problems: [] },
      context,
    );
  }
}

function requestOf(object: KubernetesObject): SigningRequest {
  return parseSigningRequest(
    Buffer.from(stringAt(object, 'spec', 'request'), 'base64').toString('latin1'),
  );
}
