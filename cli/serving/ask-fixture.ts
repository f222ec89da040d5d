// One request to a small server of ours, whatever its certificate.
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

export function ask(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  const get = url.startsWith('https:') ? getSecure : getPlain;
  return new Promise((done, fail) => {
    const options = { headers, method, rejectUnauthorized: false, agent: false } as const;
    get(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        done({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          text,
        }),
      );
    }).on('error', fail);
  });
}
