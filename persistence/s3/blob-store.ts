// One S3 bucket or a part of it as a BlobStore. Every verb tries again within its deadlines and says in words what keeps it.
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import { StorageFailedError, StorageFullError, StorageUnreachableError } from '../errors.ts';
import { checkedBlobName } from '../segments/blob-name.ts';
import { NothingWrittenError } from '../segments/blob-store.ts';
import type { BlobEntry, BlobStore } from '../segments/blob-store.ts';
import { isNeverCarriedOut, troubleOf, TruncatedBodyError, wordsOf } from './answer.ts';
import type { Action } from './answer.ts';
import { withAttempts } from './attempts.ts';
import type { Attempt, Pace } from './attempts.ts';
import { MULTIPART_BYTES, putInParts } from './multipart.ts';
import { probeStore } from './probe.ts';
import { describeS3Location } from './url.ts';
import type { S3Location } from './url.ts';

export interface S3BlobStoreOptions {
  readonly where: S3Location;
  /** Disposed with the store. */
  readonly client: S3Client;
  readonly pace: Pace;
  /** Part of the names that probe() makes, so that two probes at once do not meet. */
  readonly newId: () => string;
}

interface ObjectAddress {
  readonly Bucket: string;
  readonly Key: string;
}

interface PutDetails {
  readonly condition?: { readonly IfNoneMatch?: string; readonly IfMatch?: string };
  /** Gets that of each attempt. */
  readonly errors?: unknown[];
  /** Of the body. */
  readonly sha256?: string | undefined;
}

export class S3BlobStore implements BlobStore {
  readonly location: string;
  readonly #where: S3Location;
  /** Empty, or with a slash at its end. */
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #pace: Pace;
  readonly #newId: () => string;
  /** Older gateways compare If-Match with the bare tag, all others with the quoted one; probe() finds out. */
  #hasQuotedTags = true;

  constructor({ where, client, pace, newId }: S3BlobStoreOptions) {
    this.location = describeS3Location(where);
    this.#where = where;
    this.#prefix = where.prefix === '' ? '' : `${where.prefix}/`;
    this.#client = client;
    this.#pace = pace;
    this.#newId = newId;
  }

  async probe(machine: string): Promise<void> {
    await probeStore({
      store: this,
      machine,
      id: this.#newId(),
      useQuotedTags: (isQuoted) => {
        this.#hasQuotedTags = isQuoted;
      },
    });
  }

  async putIfAbsent(
    name: string,
    body: Uint8Array,
    sha256?: string,
  ): Promise<'created' | 'exists'> {
    const object = this.#object(name);
    const errors: unknown[] = [];
    try {
      await this.#put(object, body, { condition: { IfNoneMatch: '*' }, errors, sha256 });
      return 'created';
    } catch (error) {
      if (troubleOf(error) === 'condition') return 'exists';
      const told = this.#told(error, 'put');
      // An earlier attempt may have got through all the same.
      if (!errors.every(isNeverCarriedOut))
        throw new StorageUnreachableError(told.message, { cause: error });
      if (told instanceof StorageFullError) throw told;
      throw new NothingWrittenError(told.message, { cause: error });
    }
  }

  async put(name: string, body: Uint8Array, tag?: string): Promise<'written' | 'mismatch'> {
    if (tag === undefined) {
      await this.#putAlways(name, body);
      return 'written';
    }
    const object = this.#object(name);
    const errors: unknown[] = [];
    try {
      await this.#put(object, body, { condition: { IfMatch: this.#tag(tag) }, errors });
      return 'written';
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble !== 'condition' && trouble !== 'missing') throw this.#told(error, 'put');
      // An earlier attempt may have been carried out and its answer lost.
      return errors.length > 1 && (await this.#holds(name, body)) ? 'written' : 'mismatch';
    }
  }

  async get(
    name: string,
  ): Promise<{ readonly body: Uint8Array; readonly tag: string } | undefined> {
    const command = new GetObjectCommand(this.#object(name));
    try {
      return await this.#attempt(async ({ signal, allow }) => {
        const { Body, ContentLength, ETag } = await this.#client.send(command, {
          abortSignal: signal,
        });
        if (ContentLength !== undefined) allow(ContentLength);
        return { body: await bytesOf(Body, ContentLength, signal), tag: ETag ?? '' };
      });
    } catch (error) {
      if (troubleOf(error) === 'missing') return undefined;
      throw this.#told(error, 'get');
    }
  }

  /** Not every store lists in order, so all pages are read before the first name is given. */
  async *list(folder: string, after?: string): AsyncIterable<BlobEntry> {
    const found = new Map<string, number>();
    let token: string | undefined;
    do {
      const page = await this.#listPage(folder, after, token);
      for (const { Key, Size } of page.Contents ?? []) {
        const name = Key?.slice(this.#prefix.length);
        if (name !== undefined && (after === undefined || name > after)) {
          found.set(name, Size ?? 0);
        }
      }
      const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      if (next !== undefined && next === token) {
        throw new StorageFailedError(
          `Cannot list ${this.location}: the store gives the same page again and again; it cannot be used`,
        );
      }
      token = next;
    } while (token !== undefined);
    for (const name of [...found.keys()].toSorted()) yield { name, size: found.get(name) ?? 0 };
  }

  async delete(name: string): Promise<void> {
    const command = new DeleteObjectCommand(this.#object(name));
    try {
      await this.#attempt(({ signal }) => this.#client.send(command, { abortSignal: signal }));
    } catch (error) {
      if (troubleOf(error) !== 'missing') throw this.#told(error, 'delete');
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  async #putAlways(name: string, body: Uint8Array): Promise<void> {
    const object = this.#object(name);
    try {
      if (body.byteLength < MULTIPART_BYTES) await this.#put(object, body);
      else {
        await putInParts({
          client: this.#client,
          object,
          body,
          attempt: (run) => this.#attempt(run),
          isThere: () => this.#holds(name, body),
        });
      }
    } catch (error) {
      throw this.#told(error, 'put');
    }
  }

  async #holds(name: string, body: Uint8Array): Promise<boolean> {
    const found = await this.get(name);
    return found !== undefined && Buffer.from(found.body).equals(body);
  }

  async #put(
    object: ObjectAddress,
    body: Uint8Array,
    { condition, errors, sha256 }: PutDetails = {},
  ): Promise<void> {
    await this.#attempt(({ signal, allow }) => {
      allow(body.byteLength);
      const command = new PutObjectCommand({
        ...object,
        Body: body,
        ContentLength: body.byteLength,
        ...condition,
      });
      if (sha256 !== undefined) sayBodySum(command, sha256);
      return this.#client.send(command, { abortSignal: signal });
    }, errors);
  }

  async #listPage(
    folder: string,
    after: string | undefined,
    token: string | undefined,
  ): Promise<ListObjectsV2CommandOutput> {
    try {
      return await this.#attempt(({ signal }) => {
        const command = new ListObjectsV2Command({
          Bucket: this.#where.bucket,
          Prefix: `${this.#prefix}${checkedBlobName(folder)}/`,
          ...(after === undefined ? {} : { StartAfter: `${this.#prefix}${after}` }),
          ...(token === undefined ? {} : { ContinuationToken: token }),
        });
        return this.#client.send(command, { abortSignal: signal });
      });
    } catch (error) {
      throw this.#told(error, 'list');
    }
  }

  /** @param errors gets that of each attempt */
  #attempt<T>(run: (attempt: Attempt) => Promise<T>, errors: unknown[] = []): Promise<T> {
    return withAttempts(this.#pace, run, (error) => {
      errors.push(error);
      return troubleOf(error) === 'passing';
    });
  }

  #object(name: string): ObjectAddress {
    return { Bucket: this.#where.bucket, Key: `${this.#prefix}${checkedBlobName(name)}` };
  }

  #tag(tag: string): string {
    return this.#hasQuotedTags ? tag : tag.replaceAll('"', '');
  }

  /** The error that callers get for one of the SDK's. */
  #told(error: unknown, action: Action): Error {
    // From a verb that this one used, and already in words.
    if (error instanceof StorageUnreachableError || error instanceof StorageFullError) return error;
    const words = wordsOf(error, this.#where, action);
    if (troubleOf(error) === 'full') return new StorageFullError(words, { cause: error });
    return new StorageUnreachableError(`Cannot use ${words}`, { cause: error });
  }
}

/** The signature covers the body by this sum, which the SDK makes itself where the header is not there. */
function sayBodySum(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { readonly headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'bodySum' },
  );
}

/** All of a body, or an error: a connection that ends early is no short object. */
async function bytesOf(
  body: unknown,
  expected: number | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (!(body instanceof Readable)) throw new TruncatedBodyError(expected ?? 0, 0);
  const onAbort = (): void => void body.destroy(signal.reason as Error);
  signal.addEventListener('abort', onAbort);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    if (expected !== undefined && bytes.length !== expected) {
      throw new TruncatedBodyError(expected, bytes.length);
    }
    return bytes;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
