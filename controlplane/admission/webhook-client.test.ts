// The client of webhooks and servers that mean no good: whatever they answer costs a bounded time and memory, and tells nobody anything.
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import { systemClock } from '#platform/clock.ts';
import { WebhookServer } from '../../test/support/webhook-server.ts';
import type { Answer } from '../../test/support/webhook-server.ts';
import { TestClock } from '../registry/registry-fixture.ts';
import { WebhookClient, WebhookCallError } from './webhook-client.ts';

const SECRET = 'what nobody shall read';
const cleanups: (() => unknown)[] = [];
after(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});
const scope = { after: (cleanup: () => unknown) => void cleanups.push(cleanup) };
const server = await WebhookServer.start(scope);
const authority = Buffer.from(server.caBundle, 'base64').toString();
const never = new AbortController().signal;

async function refusal(
  answer: Answer,
  changes: { readonly url?: string; readonly authority?: string; readonly timeoutMs?: number } = {},
): Promise<WebhookCallError> {
  server.on('/x', answer);
  const client = new WebhookClient(systemClock);
  const url = changes.url ?? server.url('/x');
  const trusted = 'authority' in changes ? changes.authority : authority;
  try {
    await client.post(
      { url },
      trusted,
      '{"request":{"uid":"1"}}',
      changes.timeoutMs ?? 60_000,
      never,
    );
  } catch (error) {
    assert.ok(error instanceof WebhookCallError, String(error));
    assert.doesNotMatch(error.message, new RegExp(SECRET));
    return error;
  } finally {
    client.close();
  }
  throw new Error('it was not refused');
}

suite('servers that mean no good', () => {
  test('an answer without end is cut', async () => {
    const chunk = Buffer.alloc(256 * 1024, 'x');
    const error = await refusal(() => (response) => {
      response.on('error', () => undefined);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    assert.match(error.message, /longer than 8388608 bytes/);
  });

  test('headers without end are cut', async () => {
    const error = await refusal(() => (response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(64 * 1024)}\r\n\r\n{}`);
    });
    assert.match(error.message, /malformed HTTP response/);
  });

  test('garbage instead of HTTP', async () => {
    const error = await refusal(() => (response) => response.socket?.end(`${SECRET}\r\n\r\n`));
    assert.match(error.message, /malformed HTTP response/);
  });

  test('garbage instead of JSON is not shown', async () => {
    const error = await refusal(() => (response) => response.end(SECRET));
    assert.equal(error.message, 'the answer is no JSON');
  });

  test('what an error says is not shown', async () => {
    const error = await refusal(() => (response) => response.writeHead(500).end(SECRET));
    assert.equal(
      error.message,
      'an error on the server ("unknown") has prevented the request from succeeding',
    );
    assert.equal(error.code, 500);
  });

  test('redirects are not followed', async () => {
    server.on('/secret', () => (response) => response.end(JSON.stringify({ SECRET })));
    const error = await refusal(() => (response) => {
      response.writeHead(307, { location: server.url('/secret') }).end();
    });
    assert.match(error.message, /status code 307/);
    assert.deepEqual(server.reviews('/secret'), []);
  });

  test('a connection that is cut', async () => {
    const error = await refusal(() => (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      response.socket?.destroySoon();
    });
    assert.match(error.message, /EOF|connection reset/);
  });

  test('an authority that is not trusted', async () => {
    const error = await refusal(() => ({}), { authority: undefined as unknown as string });
    assert.match(error.message, /x509: certificate signed by unknown authority/);
  });

  test('a name that the certificate does not have', async () => {
    const url = `https://127.0.0.1:${server.port}/x`;
    const client = new WebhookClient(systemClock);
    const target = {
      url: 'https://hook.somewhere.svc:443/x',
      address: { host: '127.0.0.1', port: server.port },
    };
    await assert.rejects(
      client.post(target, authority, '{}', 60_000, never),
      /Post "https:\/\/hook.somewhere.svc:443\/x": tls: failed to verify certificate/,
    );
    client.close();
    assert.ok(url);
  });

  test('nobody there', async () => {
    const error = await refusal(() => ({}), { url: 'https://127.0.0.1:1/x' });
    assert.equal(
      error.message,
      'Post "https://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });
});

test('a bundle may be the certificate of the server itself, whatever signed it', async () => {
  const client = new WebhookClient(systemClock);
  const own = Buffer.from(server.ownBundle, 'base64').toString();
  server.on('/own', () => ({ allowed: true }));
  const body = '{"request":{"uid":"1"}}';
  const answer = await client.post({ url: server.url('/own') }, own, body, 60_000, never);
  assert.match(JSON.stringify(answer), /"allowed":true/);
  client.close();
});

test('silence ends with the time that was given', async () => {
  const clock = new TestClock();
  const client = new WebhookClient(clock);
  server.on('/silent', () => () => clock.advance(2_000));
  await assert.rejects(
    client.post({ url: server.url('/silent') }, authority, '{"request":{}}', 2_000, never),
    /context deadline exceeded/,
  );
  client.close();
});

test('who asked may leave', async () => {
  const client = new WebhookClient(systemClock);
  const left = new AbortController();
  server.on('/left', () => () => left.abort(new Error('gone')));
  await assert.rejects(
    client.post({ url: server.url('/left') }, authority, '{"request":{}}', 60_000, left.signal),
    /gone/,
  );
  client.close();
});
