// Large objects in parts: a part that gets lost is sent again alone, and several travel at once. Only for writes without a
// condition, because older gateways ignore conditions of the call that completes an upload.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';
import type { Attempt } from './attempts.ts';

/** From this size on, in bytes. */
export const MULTIPART_BYTES = 16 << 20;
/** AWS takes none below 5 MiB but the last, and 10,000 at most. */
const PART_BYTES = 8 << 20;
const PARALLEL = 4;

export interface MultipartUpload {
  readonly client: S3Client;
  readonly object: { readonly Bucket: string; readonly Key: string };
  readonly body: Uint8Array;
  /** Runs a request within its deadlines, again if need be. */
  readonly attempt: <T>(run: (attempt: Attempt) => Promise<T>) => Promise<T>;
  /** Whether the object has these bytes now. */
  readonly isThere: () => Promise<boolean>;
}

/** Resolves once the object is whole and durable. Until then whatever had its name is still there. */
export async function putInParts(upload: MultipartUpload): Promise<void> {
  const { client, object, attempt } = upload;
  const create = new CreateMultipartUploadCommand(object);
  const { UploadId } = await attempt(({ signal }) => client.send(create, { abortSignal: signal }));
  try {
    const parts = await sendParts(upload, UploadId);
    await complete(upload, UploadId, parts);
  } catch (error) {
    // Parts without an end are paid for until somebody removes them. If this fails too, the bucket's life cycle rule will.
    const abort = new AbortMultipartUploadCommand({ ...object, UploadId });
    await client.send(abort, { abortSignal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    throw error;
  }
}

async function sendParts(
  { client, object, body, attempt }: MultipartUpload,
  UploadId: string | undefined,
): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = [];
  let next = 0;
  const send = async (): Promise<void> => {
    while (next * PART_BYTES < body.length) {
      const index = next;
      next += 1;
      const part = body.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
      const numbered = { ...object, UploadId, PartNumber: index + 1 };
      const command = new UploadPartCommand({ ...numbered, Body: part });
      const { ETag } = await attempt(({ signal, allow }) => {
        allow(part.length);
        return client.send(command, { abortSignal: signal });
      });
      parts[index] = { PartNumber: index + 1, ...(ETag === undefined ? {} : { ETag }) };
    }
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: PARALLEL }, async () => {
      try {
        await send();
      } catch (error) {
        // The others begin no further part, and none is under way when the upload is given up.
        next = Infinity;
        throw error;
      }
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return parts;
}

async function complete(
  { client, object, body, attempt, isThere }: MultipartUpload,
  UploadId: string | undefined,
  parts: CompletedPart[],
): Promise<void> {
  const command = new CompleteMultipartUploadCommand({
    ...object,
    UploadId,
    MultipartUpload: { Parts: parts },
  });
  await attempt(async ({ signal, number, allow }) => {
    // The store may put the parts together before it answers.
    allow(body.length);
    try {
      await client.send(command, { abortSignal: signal });
    } catch (error) {
      const isGone = error instanceof Error && error.name === 'NoSuchUpload';
      // The answer to an earlier attempt got lost.
      if (number === 0 || !isGone || !(await isThere())) throw error;
    }
  });
}
