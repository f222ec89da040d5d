// One JSON document over https: of an issuer, which may have an authority of its own.
import { get } from 'node:https';

/** Of a discovery document or a set of keys. */
const MOST_BYTES = 1024 * 1024;
const TIMEOUT_MS = 10_000;

/**
 * @param certificateAuthority PEM; absent: the authorities that Node trusts
 * @throws Error naming the URL and what is wrong with the answer
 */
export function fetchJSON(url: string, certificateAuthority: string | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`GET ${url}: ${why}`));
    const options = {
      timeout: TIMEOUT_MS,
      headers: { accept: 'application/json' },
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    };
    const request = get(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('error', (error) => fail(error.message));
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MOST_BYTES) {
          fail('the answer is too long');
          request.destroy();
        } else chunks.push(chunk);
      });
      response.on('end', () => {
        if (response.statusCode !== 200) {
          fail(`status ${response.statusCode}`);
          return;
        }
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
        } catch {
          fail('the answer is no JSON');
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on('error', (error) => fail(error.message));
  });
}
