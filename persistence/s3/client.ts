// The AWS SDK as we use it: no retries of its own (attempts.ts decides), few sockets that stay open, nothing on the console.
import { S3Client } from '@aws-sdk/client-s3';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Location } from './url.ts';

const CONNECT_MS = 1_000;
const SOCKETS = 16;
/** What the servers that are not AWS take for any. */
const REGION_ELSEWHERE = 'us-east-1';

/**
 * Makes a client. Keys come from where every AWS client takes them: the environment, the shared configuration and credentials
 * files (AWS_SHARED_CREDENTIALS_FILE may name a systemd credential), or the machine's role.
 *
 * @param clockOffsetMs how wrong this machine's clock is; for tests
 */
export function makeS3Client(location: S3Location, clockOffsetMs = 0): S3Client {
  const { endpoint, region, pathStyle, profile } = location;
  const agent = { keepAlive: true, maxSockets: SOCKETS };
  const config: S3ClientConfig = {
    maxAttempts: 1,
    forcePathStyle: pathStyle,
    systemClockOffset: clockOffsetMs,
    requestHandler: { connectionTimeout: CONNECT_MS, httpAgent: agent, httpsAgent: agent },
    logger: SILENT,
    ...(profile === undefined ? {} : { profile }),
  };
  if (endpoint === undefined)
    return new S3Client(region === undefined ? config : { ...config, region });
  return new S3Client({
    ...config,
    endpoint,
    region: region ?? REGION_ELSEWHERE,
    // Many servers know neither the SDK's newer checksums nor the trailers they come in. The signature covers the body's SHA-256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

function nothing(): void {
  // Whatever matters is thrown.
}

const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
