// Registries that ask for tokens, and registries that mean us ill. Answers are scripted, over real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import type { RegistryLogin } from '../machinery/docker-config.ts';
import { chooseChallenge, parseChallenges } from './challenge.ts';
import { RegistryError } from './registry-error.ts';
import { Repository } from './repository.ts';
import { sha256 } from './sha256.ts';
import { Transport } from './transport.ts';

const { signal } = new AbortController();
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const TYPE = 'application/vnd.oci.image.index.v1+json';

type Answer = (request: IncomingMessage, response: ServerResponse, address: string) => void;

interface Scripted {
  readonly address: string;
  /** `GET /v2/… authorization` of each request but the first look. */
  readonly seen: string[];
  repository(logins?: readonly RegistryLogin[]): Repository;
}

async function scripted(t: TestContext, answer: Answer, timeoutMs = 5_000): Promise<Scripted> {
  const seen: string[] = [];
  let address = '';
  const server = createServer((request, response) => {
    if (request.url === '/v2/') return void response.end();
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    answer(request, response, address);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = new Transport({ clock: systemClock, userAgent: 'windlass-test', timeoutMs });
  t.after(async () => {
    await transport[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });
  return {
    address,
    seen,
    repository: (logins = []) =>
      new Repository(transport, { domain: address, path: 'acme/api' }, logins),
  };
}

function found(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': TYPE, 'docker-content-digest': DIGEST }).end();
}

function fails(failure: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RegistryError, String(error));
    assert.equal(error.failure, failure);
    assert.match(error.message, message);
    assert.match(error.message, /^[ -~]*$/);
    return true;
  };
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const manifest = '/v2/acme/api/manifests/1';

for (const { title, logins, tokenRequest } of [
  {
    title: 'anonymously',
    logins: [],
    tokenRequest: 'GET /token?service=reg&scope=repository%3Aacme%2Fapi%3Apull -',
  },
  {
    title: 'with a password',
    logins: [{ username: 'ann', password: 'secret' }],
    tokenRequest: `GET /token?service=reg&scope=repository%3Aacme%2Fapi%3Apull ${basic('ann:secret')}`,
  },
  {
    title: 'with a refresh token',
    logins: [{ username: '<token>', password: '', identityToken: 'refresh' }],
    tokenRequest: 'POST /token -',
  },
]) {
  test(`a token is fetched ${title}, and used again`, async (t) => {
    const registry = await scripted(t, (request, response, address) => {
      if (request.url?.startsWith('/token') === true)
        return void response.end(JSON.stringify({ access_token: 'tok' }));
      if (request.headers.authorization === 'Bearer tok') return found(response);
      const challenge = `Bearer realm="http://${address}/token",service="reg",scope="x"`;
      response.writeHead(401, { 'www-authenticate': `Digest a=b, ${challenge}` }).end();
    });
    const repository = registry.repository(logins);
    assert.equal(await repository.digestOf('1', signal), DIGEST);
    assert.equal(await repository.digestOf('1', signal), DIGEST);
    assert.deepEqual(registry.seen, [
      `HEAD ${manifest} -`,
      tokenRequest,
      `HEAD ${manifest} Bearer tok`,
      `HEAD ${manifest} Bearer tok`,
    ]);
  });
}

for (const { title, answer, failure, message } of [
  {
    title: 'a token server that says no',
    answer: (request, response, address) => {
      const isToken = request.url?.startsWith('/token') === true;
      response.writeHead(isToken ? 403 : 401, {
        'www-authenticate': `Bearer realm="http://${address}/token"`,
      });
      response.end();
    },
    failure: 'unauthorized',
    message: /wants a login/,
  },
  ...[
    'file:///etc/passwd',
    'http://10.0.0.1/token',
    'http://u:p@127.0.0.1/t',
    'gopher://x',
    '',
  ].map((realm) => ({
    title: `a realm at ${JSON.stringify(realm)}`,
    answer: ((_, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
    }) as Answer,
    failure: 'refused',
    message: /must be an https URL/,
  })),
  ...['file:///etc/passwd', 'http://10.0.0.1/x', 'data:,x', 'http://a:b@127.0.0.1/'].map((to) => ({
    title: `a redirect to ${to}`,
    answer: ((_, response) => response.writeHead(307, { location: to }).end()) as Answer,
    failure: 'refused',
    message: /which is not followed/,
  })),
  {
    title: 'redirects without end',
    answer: (_, response) => response.writeHead(302, { location: '/again' }).end(),
    failure: 'refused',
    message: /redirects without end/,
  },
  {
    title: 'a token that would break out of its header',
    answer: (request, response, address) => {
      if (request.url?.startsWith('/token') === true)
        return void response.end(JSON.stringify({ token: 'a\r\nx: y' }));
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${address}/token"` });
      response.end();
    },
    failure: 'refused',
    message: /gives no token/,
  },
  {
    title: 'an unknown kind of login',
    answer: (_, response) => response.writeHead(401, { 'www-authenticate': 'Negotiate' }).end(),
    failure: 'unauthorized',
    message: /kind of login/,
  },
  {
    title: 'an endless manifest',
    answer: (request, response) => {
      if (request.method === 'HEAD') return void response.writeHead(405).end();
      response.writeHead(200, { 'content-type': TYPE });
      const more = (): void => {
        while (response.write(Buffer.alloc(1 << 16)));
        response.once('drain', more);
      };
      more();
    },
    failure: 'refused',
    message: /more than 4194304 bytes/,
  },
  {
    title: 'bytes that are not those of the digest',
    answer: (request, response) => {
      if (request.method === 'HEAD') return void response.writeHead(405).end();
      response.writeHead(200, { 'content-type': TYPE, 'docker-content-digest': DIGEST }).end('{}');
    },
    failure: 'refused',
    message: /do not fit/,
  },
  {
    title: 'a web page',
    answer: (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    failure: 'refused',
    message: /format "text\/html"/,
  },
  {
    title: 'an error with line breaks and colours',
    answer: (request, response) =>
      response
        .writeHead(500)
        .end(request.method === 'HEAD' ? '' : '{"errors":[{"message":"\\u001b[31mno\\n"}]}'),
    failure: 'refused',
    message: /answers 500/,
  },
  {
    title: 'an answer that never comes',
    answer: () => undefined,
    failure: 'unreachable',
    message: /no answer within 0\.3 s/,
  },
] satisfies readonly { title: string; answer: Answer; failure: string; message: RegExp }[]) {
  test(`${title} is ${failure}`, async (t) => {
    const timeoutMs = title.includes('never') ? 300 : 5_000;
    const registry = await scripted(t, answer, timeoutMs);
    await assert.rejects(registry.repository().digestOf('1', signal), fails(failure, message));
  });
}

test('credentials do not follow a redirect to another origin', async (t) => {
  const other = await scripted(t, (_, response) => found(response));
  const registry = await scripted(t, (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
    else response.writeHead(307, { location: `http://${other.address}/elsewhere` }).end();
  });
  const repository = registry.repository([{ username: 'ann', password: 'secret' }]);
  assert.equal(await repository.digestOf('1', signal), DIGEST);
  assert.deepEqual(other.seen, ['HEAD /elsewhere -']);
});

test('where HEAD says nothing, the bytes say the digest', async (t) => {
  const body = Buffer.from('{"schemaVersion":2}');
  const registry = await scripted(t, (request, response) => {
    response.writeHead(200, { 'content-type': `${TYPE}; charset=utf-8` });
    response.end(request.method === 'HEAD' ? '' : body);
  });
  assert.equal(await registry.repository().digestOf('1', signal), sha256(body));
});

test('plain HTTP is only for this machine, and where it was allowed', async () => {
  const options = { clock: systemClock, userAgent: 'windlass-test' };
  await using own = new Transport(options);
  await using told = new Transport({ ...options, plainHTTP: ['registry.lan:5000'] });
  for (const host of ['127.0.0.1', '127.9.9.9:5000', 'localhost:1', '[::1]:5000'])
    assert.equal(own.mayBePlain(host), true, host);
  for (const host of ['registry.lan:5000', '127.0.0.1.evil.io', '128.0.0.1', 'localhost.evil.io'])
    assert.equal(own.mayBePlain(host), false, host);
  assert.equal(told.mayBePlain('registry.lan:5000'), true);
  assert.equal(told.mayBePlain('registry.lan'), false);
});

test('parseChallenges() reads what registries send, and ends at what it cannot read', () => {
  assert.deepEqual(parseChallenges('Basic'), [{ scheme: 'basic', parameters: new Map() }]);
  assert.deepEqual(
    parseChallenges(
      'Bearer realm="https://a/b?c=d,e",Service=x , scope="a \\"b\\"", Basic realm=r',
    ),
    [
      {
        scheme: 'bearer',
        parameters: new Map([
          ['realm', 'https://a/b?c=d,e'],
          ['service', 'x'],
          ['scope', 'a "b"'],
        ]),
      },
      { scheme: 'basic', parameters: new Map([['realm', 'r']]) },
    ],
  );
  for (const text of ['', ',,,', '"', 'a="', '=', 'x'.repeat(100_000), 'Bearer realm="unended'])
    assert.ok(parseChallenges(text).length <= 1, text.slice(0, 20));
  assert.equal(chooseChallenge('Basic realm=a, Bearer realm=b')?.scheme, 'bearer');
});
