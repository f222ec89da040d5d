// One repository of a registry, as one user: the OCI distribution API, with the two ways of authentication that registries have.
import type { ImageReference } from '../machinery/image-reference.ts';
import { isDigest } from '../machinery/image-reference.ts';
import type { RegistryLogin } from '../machinery/docker-config.ts';
import { sha256 } from './sha256.ts';
import { fetchToken } from './bearer-token.ts';
import { chooseChallenge } from './challenge.ts';
import type { Challenge } from './challenge.ts';
import { RegistryError } from './registry-error.ts';
import type { Incoming, Outgoing, Transport } from './transport.ts';

export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly content: Buffer;
}

/** Where the API of `docker.io` lives. */
const DEFAULT_REGISTRY_HOST = 'registry-1.docker.io';
const MANIFEST_LIMIT_BYTES = 4 << 20;
const ANSWER_LIMIT_BYTES = 64 << 10;
/** Indexes first: their digest is the one for all platforms. Not the old signed format, whose digest is another. */
const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** What a request is about, in errors: `manifest 1.27`. */
interface Ask extends Omit<Outgoing, 'url' | 'authorization' | 'limitBytes'> {
  readonly path: string | URL;
  readonly what: string;
  readonly limitBytes?: number;
}

export class Repository {
  readonly #transport: Transport;
  readonly #reference: Pick<ImageReference, 'domain' | 'path'>;
  readonly #logins: readonly RegistryLogin[];
  #actions = 'pull';
  #base: URL | undefined;
  #authorization: string | undefined;

  /** @param logins to be tried in this order; without any, anonymously */
  constructor(
    transport: Transport,
    reference: Pick<ImageReference, 'domain' | 'path'>,
    logins: readonly RegistryLogin[],
  ) {
    this.#transport = transport;
    this.#reference = reference;
    this.#logins = logins;
  }

  /** `sha256:…` of what a tag or digest names now. @throws RegistryError */
  async digestOf(tagOrDigest: string, signal: AbortSignal): Promise<string> {
    const answer = await this.#ask(
      {
        method: 'HEAD',
        path: `manifests/${tagOrDigest}`,
        what: `manifest ${tagOrDigest}`,
        headers: { accept: MANIFEST_TYPES.join(', ') },
      },
      signal,
      (status) => status !== 405,
    );
    const digest = answer.headers['docker-content-digest'] ?? '';
    const isKnown = MANIFEST_TYPES.includes(typeOf(answer));
    // Registries need not say it, and some know no HEAD: then it is what the bytes say.
    if (answer.status !== 200 || !isKnown || !isSha256(digest))
      return (await this.manifest(tagOrDigest, signal)).digest;
    return digest;
  }

  /** Where a blob is and what to send along, for whoever downloads in a way of its own. @throws RegistryError */
  async blobLocation(
    digest: string,
    signal: AbortSignal,
  ): Promise<{ readonly url: URL; readonly headers: Readonly<Record<string, string>> }> {
    // Also finds out where the registry is, and how to authenticate.
    if (!(await this.hasBlob(digest, signal)))
      throw this.#error('missing', `blob ${digest}`, 'there is none');
    const base = (this.#base ??= await this.#findBase(signal));
    const authorization = this.#authorization;
    return {
      url: new URL(`/v2/${this.#reference.path}/blobs/${digest}`, base),
      headers: authorization === undefined ? {} : { authorization },
    };
  }

  /** Checked against its digest where one was asked for. @throws RegistryError */
  async manifest(tagOrDigest: string, signal: AbortSignal): Promise<Manifest> {
    const what = `manifest ${tagOrDigest}`;
    const answer = await this.#ask(
      {
        method: 'GET',
        path: `manifests/${tagOrDigest}`,
        what,
        headers: { accept: MANIFEST_TYPES.join(', ') },
        limitBytes: MANIFEST_LIMIT_BYTES,
      },
      signal,
    );
    const mediaType = typeOf(answer);
    if (!MANIFEST_TYPES.includes(mediaType))
      throw this.#error('refused', what, `it has the format ${JSON.stringify(mediaType)}`);
    const digest = sha256(answer.body);
    const claimed = answer.headers['docker-content-digest'];
    const expected = isSha256(tagOrDigest) ? tagOrDigest : (claimed ?? digest);
    if (digest !== expected) throw this.#error('refused', what, 'its bytes do not fit its digest');
    return { digest, mediaType, content: answer.body };
  }

  /** Stores a manifest under a tag. @returns its digest. @throws RegistryError */
  async putManifest(
    tag: string,
    { mediaType, content }: Omit<Manifest, 'digest'>,
    signal: AbortSignal,
  ): Promise<string> {
    this.#askToPush();
    const headers = { 'content-type': mediaType };
    const what = `manifest ${tag}`;
    const path = `manifests/${tag}`;
    await this.#ask({ method: 'PUT', path, what, headers, body: content }, signal);
    return sha256(content);
  }

  /** @throws RegistryError */
  async hasBlob(digest: string, signal: AbortSignal): Promise<boolean> {
    const path = `blobs/${digest}`;
    const ask = { method: 'HEAD', path, what: `blob ${digest}` } as const;
    return (await this.#ask(ask, signal, (status) => status !== 404)).status === 200;
  }

  /** The bytes of a blob as they come; whoever reads compares them with the digest. @throws RegistryError */
  async blob(digest: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const what = `blob ${digest}`;
    // Also finds out how to authenticate.
    if (!(await this.hasBlob(digest, signal))) throw this.#error('missing', what, 'there is none');
    const base = (this.#base ??= await this.#findBase(signal));
    const url = new URL(`/v2/${this.#reference.path}/blobs/${digest}`, base);
    const answer = await this.#transport.stream(
      { url, authorization: this.#authorization },
      signal,
    );
    if (answer.status === 200) return answer.body;
    throw this.#error('refused', what, `it answers ${answer.status}`);
  }

  /** Uploads what the registry does not have yet, in pieces. @throws RegistryError */
  async putBlob(content: Buffer, pieceBytes: number, signal: AbortSignal): Promise<string> {
    this.#askToPush();
    const digest = sha256(content);
    if (await this.hasBlob(digest, signal)) return digest;
    const what = `upload of ${digest}`;
    let answer = await this.#ask({ method: 'POST', path: 'blobs/uploads/', what }, signal);
    for (let at = 0; at < content.length; at += pieceBytes) {
      const body = content.subarray(at, at + pieceBytes);
      const headers = {
        'content-type': 'application/octet-stream',
        'content-range': `${at}-${at + body.length - 1}`,
      };
      const path = this.#transport.locationOf(answer);
      // Pieces follow each other: each answer says where the next one goes.
      answer = await this.#ask({ method: 'PATCH', path, what, headers, body }, signal);
    }
    const path = this.#transport.locationOf(answer);
    path.searchParams.set('digest', digest);
    await this.#ask({ method: 'PUT', path, what }, signal);
    return digest;
  }

  #askToPush(): void {
    if (this.#actions !== 'pull') return;
    this.#actions = 'pull,push';
    this.#authorization = undefined;
  }

  /** @param refuses which failures are errors; all by default */
  async #ask(
    ask: Ask,
    signal: AbortSignal,
    refuses: (status: number) => boolean = () => true,
  ): Promise<Incoming> {
    const answer = await this.#authenticated(ask, signal);
    const { status } = answer;
    if ((status >= 200 && status < 300) || !refuses(status)) return answer;
    throw this.#error(
      status === 404 ? 'missing' : 'refused',
      ask.what,
      wordsOf(answer) ?? (status === 404 ? 'there is none' : `it answers ${status}`),
    );
  }

  async #authenticated(ask: Ask, signal: AbortSignal): Promise<Incoming> {
    const first = await this.#send(ask, this.#authorization, signal);
    if (first.status !== 401) return first;
    const challenge = chooseChallenge(first.headers['www-authenticate'] ?? '');
    if (challenge === undefined)
      throw this.#error('unauthorized', ask.what, 'it asks for a kind of login that is not known');
    const logins = this.#logins.length === 0 ? [undefined] : this.#logins;
    for (const login of logins) {
      const authorization = await this.#authorizationFor(challenge, login, first.url, signal).catch(
        (error: unknown) => {
          if (!(error instanceof RegistryError) || error.failure !== 'unauthorized') throw error;
          return undefined;
        },
      );
      if (authorization === undefined) continue;
      const answer = await this.#send(ask, authorization, signal);
      if (answer.status !== 401 && answer.status !== 403) {
        this.#authorization = authorization;
        return answer;
      }
    }
    const known = this.#logins.length === 1 ? 'the login' : 'any of the logins';
    throw this.#error(
      'unauthorized',
      ask.what,
      this.#logins.length === 0
        ? 'it wants a login, and none is known for it'
        : `it does not accept ${known} known for it`,
    );
  }

  async #authorizationFor(
    challenge: Challenge,
    login: RegistryLogin | undefined,
    registry: URL,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (login?.registryToken !== undefined) return `Bearer ${login.registryToken}`;
    if (challenge.scheme === 'basic') {
      if (login === undefined || login.username === '') return undefined;
      return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
    }
    const scope = `repository:${this.#reference.path}:${this.#actions}`;
    const { parameters } = challenge;
    return fetchToken(this.#transport, { parameters, scope, login, registry }, signal);
  }

  async #send(
    { path, method, headers = {}, body, limitBytes = ANSWER_LIMIT_BYTES }: Ask,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<Incoming> {
    const base = (this.#base ??= await this.#findBase(signal));
    const url =
      typeof path === 'string' ? new URL(`/v2/${this.#reference.path}/${path}`, base) : path;
    // An upload may be sent elsewhere; what is for the registry stays with the registry.
    const own = url.origin === base.origin ? authorization : undefined;
    const sent = { method, url, headers, authorization: own, limitBytes };
    return this.#transport.send(body === undefined ? sent : { ...sent, body }, signal);
  }

  /** HTTPS; where plain HTTP is allowed, that is the second try. */
  async #findBase(signal: AbortSignal): Promise<URL> {
    const { domain } = this.#reference;
    const host = domain === 'docker.io' ? DEFAULT_REGISTRY_HOST : domain;
    const base = URL.parse(`https://${host}/v2/`);
    if (base === null) throw new RegistryError('unreachable', `${host} is no address`);
    if (!this.#transport.mayBePlain(base.host)) return base;
    const limitBytes = ANSWER_LIMIT_BYTES;
    try {
      await this.#transport.send({ method: 'GET', url: base, limitBytes }, signal);
      return base;
    } catch (error) {
      if (!(error instanceof RegistryError) || error.failure !== 'unreachable') throw error;
      const plain = new URL(`http://${host}/v2/`);
      await this.#transport.send({ method: 'GET', url: plain, limitBytes }, signal);
      return plain;
    }
  }

  #error(failure: RegistryError['failure'], what: string, why: string): RegistryError {
    const { domain, path } = this.#reference;
    return new RegistryError(failure, `registry ${domain}, repository ${path}, ${what}: ${why}`);
  }
}

function isSha256(text: string): boolean {
  return text.startsWith('sha256:') && isDigest(text);
}

function typeOf({ headers }: Incoming): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** The registry's own words: `manifest unknown (MANIFEST_UNKNOWN)`. One short line of printable characters. */
function wordsOf({ body }: Incoming): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const errors = (value as { readonly errors?: unknown } | null)?.errors;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (typeof first !== 'object' || first === null) return undefined;
  const { code, message } = first as Readonly<Record<string, unknown>>;
  const texts = [message, code].filter((text) => typeof text === 'string' && text !== '');
  if (texts.length === 0) return undefined;
  const [text, more] = texts.map((part) =>
    String(part)
      .replaceAll(/[^ -~]+/g, ' ')
      .slice(0, 200),
  );
  return more === undefined ? text : `${text} (${more})`;
}
