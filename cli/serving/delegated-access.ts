// Who may read the metrics of a part that runs alone: the API server says it, as for all of Kubernetes' own parts. A TokenReview says whose
// token it is, a SubjectAccessReview whether that user may `get` the path.
import { createHash } from 'node:crypto';
import type { ApiObject, ApiResource, Client } from '#controllers/machinery/client-types.ts';
import { SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS } from '#controllers/machinery/resources.ts';
import type { Clock } from '#platform/clock.ts';

export type Verdict = 'allowed' | 'unknown' | 'forbidden';

export interface Access {
  /** @throws Error when the API server cannot be asked */
  mayGet(token: string, path: string, signal: AbortSignal): Promise<Verdict>;
}

export interface DelegatedAccessOptions {
  readonly client: Pick<Client, 'create'>;
  readonly clock: Clock;
}

interface TokenReview extends ApiObject {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
}

interface AccessReview extends ApiObject {
  readonly status?: { readonly allowed?: boolean };
}

/** As upstream: so long after a right was taken away it may still count. */
const KEPT_MS = 10_000;
/** Whoever sends ever new tokens must not fill the memory. */
const MOST_KEPT = 256;

export class DelegatedAccess implements Access {
  readonly #options: DelegatedAccessOptions;
  /** By the hash of token and path, oldest first. */
  readonly #kept = new Map<string, { readonly verdict: Verdict; readonly until: number }>();

  constructor(options: DelegatedAccessOptions) {
    this.#options = options;
  }

  async mayGet(token: string, path: string, signal: AbortSignal): Promise<Verdict> {
    const { clock } = this.#options;
    const key = createHash('sha256').update(`${path}\n${token}`).digest('base64');
    const known = this.#kept.get(key);
    if (known !== undefined && known.until > clock.monotonic()) return known.verdict;
    const verdict = await this.#ask(token, path, signal);
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, { verdict, until: clock.monotonic() + KEPT_MS });
    return verdict;
  }

  async #ask(token: string, path: string, signal: AbortSignal): Promise<Verdict> {
    const { client } = this.#options;
    const question = { ...typeOf(TOKEN_REVIEWS), spec: { token } };
    const { status } = await client.create<TokenReview>(TOKEN_REVIEWS, '', question, signal);
    if (status?.authenticated !== true || status.user?.username === undefined) return 'unknown';
    const { username, uid, groups, extra } = status.user;
    const nonResourceAttributes = { path, verb: 'get' };
    const spec = { user: username, uid, groups, extra, nonResourceAttributes };
    const access = { ...typeOf(SUBJECT_ACCESS_REVIEWS), spec };
    const review = await client.create<AccessReview>(SUBJECT_ACCESS_REVIEWS, '', access, signal);
    return review.status?.allowed === true ? 'allowed' : 'forbidden';
  }
}

function typeOf({ group, version, kind }: ApiResource): object {
  return { apiVersion: `${group}/${version}`, kind, metadata: {} };
}
