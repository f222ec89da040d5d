// Proxies, portals and broken servers between us and the API of a provider: what they say is never taken for "there are no nodes".
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { ProviderUnavailable } from './errors.ts';
import { HetznerClient } from './hetzner/hetzner-client.ts';
import { OMNI_TYPES, OmniClient } from './omni/omni-client.ts';
import type { OmniSigner } from './omni/omni-signer.ts';

const { signal } = new AbortController();
const PORTAL = '<html><body>Please accept the terms of use</body></html>';

interface Answer {
  readonly status?: number;
  readonly text: string;
}

/** Always says the same. @returns where it listens */
async function saying(t: TestContext, { status = 200, text }: Answer): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const servers = async (t: TestContext, answer: Answer): Promise<readonly unknown[]> => {
  const endpoint = await saying(t, answer);
  const client = new HetznerClient({ endpoint, token: 'token', clock: systemClock });
  return client.list('/servers', 'servers', '', signal);
};

const machines = async (t: TestContext, answer: Answer): Promise<readonly unknown[]> => {
  const endpoint = await saying(t, answer);
  const signer = { headers: () => Promise.resolve({}) } as unknown as OmniSigner;
  const client = new OmniClient({ endpoint, signer, clock: systemClock });
  return client.list(OMNI_TYPES.machineStatus, signal);
};

test('a page in the place of an answer is no empty list', async (t) => {
  for (const ask of [servers, machines])
    for (const text of [PORTAL, '[]', 'null', '{"servers": [', '"servers"'])
      await assert.rejects(ask(t, { text }), (error: unknown) => {
        assert.ok(error instanceof ProviderUnavailable, String(error));
        assert.match(error.message, /no JSON: is there a proxy or a portal in between\?$/);
        return true;
      });
  for (const text of ['', '{}', '{"servers": null}', '{"servers": {}}'])
    await assert.rejects(servers(t, { text }), {
      name: 'ProviderUnavailable',
      message: /answered without the list of servers$/,
    });
  assert.deepEqual(await servers(t, { text: '{"servers": []}' }), []);
  // Omni leaves out what is empty.
  assert.deepEqual(await machines(t, { text: '{}' }), []);
});

test('an answer that does not end is cut off, and words of the other side stay short', async (t) => {
  const text = `{"servers": ["${'x'.repeat(33 * 2 ** 20)}"]}`;
  await assert.rejects(servers(t, { text }), /answered more than 33554432 bytes$/);
  const message = 'y'.repeat(100_000);
  const refusal = JSON.stringify({ error: { code: 'forbidden', message } });
  await assert.rejects(servers(t, { status: 403, text: refusal }), (error: Error) => {
    assert.ok(error.message.length < 600, String(error.message.length));
    return true;
  });
  const other = JSON.stringify({ code: 3, message });
  await assert.rejects(machines(t, { status: 400, text: other }), (error: Error) => {
    assert.ok(error.message.length < 600, String(error.message.length));
    return true;
  });
});
