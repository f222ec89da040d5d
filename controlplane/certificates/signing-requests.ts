// Follows CertificateSigningRequests: approves those by which a node renews what it is, signs what was approved for our signers, and
// removes what nobody needs any more.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';

import { parseSigningRequest } from '../api/certificates/signing-request.ts';
import type { SigningRequest } from '../api/certificates/signing-request.ts';
import { listAt, numberAt, objectAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { Scheme } from '../api/scheme.ts';
import { resourceAttributes } from '../identity/authorizer.ts';
import type { Authorizer } from '../identity/authorizer.ts';
import type { CertificateStore } from '../identity/certificate-store.ts';
import { DueQueue } from '../registry/due-queue.ts';
import { internalContext } from '../registry/internal-context.ts';
import { decodeStored } from '../registry/objects.ts';
import type { Registry } from '../registry/types.ts';
import type { Store, Subscription } from '../store/types.ts';

import { isOver } from './lifetime.ts';
import { signRequest } from './sign-request.ts';
import { isOwnSigner, KUBELET_CLIENT_SIGNER, NODE_SIGNER, signerProblem } from './signer-rules.ts';

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
  readonly #queue: DueQueue;
  #subscription: Subscription | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: SigningRequestsOptions) {
    this.#options = options;
    this.#queue = new DueQueue({
      settle: (name) => this.#settle(name),
      logger: options.logger,
      failure: 'A request for a certificate stays as it is',
    });
  }

  start(): void {
    const { store } = this.#options;
    const { items, revision } = store.list(REQUESTS, {});
    this.#queue.add(items.map(({ name }) => name));
    this.#subscription = store.watch(REQUESTS, revision, {
      events: (events) => this.#queue.add(events.map(({ object }) => object.name)),
      closed: () => undefined,
    });
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#cancelTimer?.();
    this.#subscription?.close();
    await this.#queue.close();
  }

  #schedule(): void {
    if (this.#queue.signal.aborted) return;
    this.#cancelTimer = this.#options.clock.schedule(SWEEP_INTERVAL_MS, () => {
      this.#queue.add(this.#options.store.list(REQUESTS, {}).items.map(({ name }) => name));
      this.#schedule();
    });
  }

  async #settle(name: string): Promise<void> {
    const { scheme, store, registry, clock } = this.#options;
    const stored = store.get(REQUESTS, '', name);
    const definition = scheme.byKind('certificates.k8s.io', 'v1', 'CertificateSigningRequest');
    if (stored === undefined || definition === undefined) return;
    const object = decodeStored(stored, definition);
    if (object.metadata.deletionTimestamp !== undefined) return;
    if (isOver(object, clock.now())) {
      const context = internalContext('certificates', this.#queue.signal);
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
    const signer = stringAt(object, 'spec', 'signerName');
    if (signer !== KUBELET_CLIENT_SIGNER && signer !== NODE_SIGNER) return false;
    const usages = listAt(object, 'spec', 'usages').map(String);
    if (signerProblem(signer, request, usages) !== undefined) return false;
    const name = stringAt(object, 'spec', 'username');
    const kinds = name === request.commonName ? ['selfnodeclient', 'nodeclient'] : ['nodeclient'];
    const user = {
      name,
      groups: listAt(object, 'spec', 'groups').map(String),
      uid: stringAt(object, 'spec', 'uid'),
      extra: objectAt(object, 'spec', 'extra') as Record<string, readonly string[]>,
    };
    const [group = '', resource = ''] = REQUESTS.split('/');
    return kinds.some((subresource) => {
      const asked = { verb: 'create', group, resource, subresource };
      return this.#options.authorizer.authorize(resourceAttributes(user, asked)).allowed;
    });
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
    const context = internalContext('certificates', this.#queue.signal);
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
