import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { missingForRegistry, startRegistry } from '#test/support/docker-registry.ts';
import { needs } from '#test/support/missing-part.ts';
import { parseImageReference } from '../machinery/image-reference.ts';
import { MANIFEST_TYPE, pushImage } from './image-fixture.ts';
import { RegistryError } from './registry-error.ts';
import type { RegistryFailure } from './registry-error.ts';
import { Repository } from './repository.ts';
import { sha256 } from './sha256.ts';
import { Transport } from './transport.ts';

const { signal } = new AbortController();
const LOGIN = { username: 'ann', password: 'pa.ss' };

const transport = new Transport({ clock: systemClock, userAgent: 'windlass-test' });
after(() => transport[Symbol.asyncDispose]());

function push(repository: Repository, tag: string, text: string): Promise<string> {
  return pushImage(repository, tag, text, signal);
}

function fails(failure: RegistryFailure, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RegistryError, String(error));
    assert.equal(error.failure, failure);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /pa.ss/);
    return true;
  };
}

const missing = needs(await missingForRegistry());

test('an open registry: push in pieces, look up by tag and digest', missing, async (t) => {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const reference = parseImageReference(`${registry.address}/acme/api`);
  const repository = new Repository(transport, reference, []);
  const digest = await push(repository, '1', 'x'.repeat(2500));
  assert.equal(await repository.digestOf('1', signal), digest);
  assert.equal(await repository.digestOf(digest, signal), digest);
  const { mediaType, content } = await repository.manifest('1', signal);
  assert.equal(mediaType, MANIFEST_TYPE);
  assert.equal(sha256(content), digest);
  assert.equal(await repository.hasBlob(sha256(Buffer.from('x'.repeat(2500))), signal), true);
  assert.equal(await repository.hasBlob(sha256(Buffer.from('y')), signal), false);
  // The tag moves.
  const moved = await push(repository, '1', 'y');
  assert.notEqual(moved, digest);
  assert.equal(await repository.digestOf('1', signal), moved);
  assert.equal(await repository.digestOf(digest, signal), digest);
  await assert.rejects(
    repository.manifest('2', signal),
    fails('missing', /manifest unknown \(MANIFEST_UNKNOWN\)$/),
  );
  await assert.rejects(
    repository.digestOf('2', signal),
    fails('missing', /repository acme\/api, manifest 2: there is none$/),
  );
});

test('a registry with passwords: the right login of several is found', missing, async (t) => {
  const registry = await startRegistry(`${LOGIN.username}:${LOGIN.password}`);
  t.after(() => registry.close());
  const reference = parseImageReference(`${registry.address}/acme/api`);
  const wrong = { username: 'ann', password: 'wrong' };
  const repository = new Repository(transport, reference, [wrong, LOGIN]);
  const digest = await push(repository, 'latest', 'x');
  assert.equal(await repository.digestOf('latest', signal), digest);
  await assert.rejects(
    new Repository(transport, reference, []).digestOf('latest', signal),
    fails('unauthorized', /wants a login, and none is known for it/),
  );
  await assert.rejects(
    new Repository(transport, reference, [wrong]).digestOf('latest', signal),
    fails('unauthorized', /does not accept the login/),
  );
});

test('a registry that does not answer is unreachable', async () => {
  const reference = parseImageReference('127.0.0.1:1/acme/api');
  await assert.rejects(
    new Repository(transport, reference, []).digestOf('1', signal),
    fails('unreachable', /cannot reach 127\.0\.0\.1:1: .*ECONNREFUSED/),
  );
});

test('the caller may give up', async () => {
  const given = new AbortController();
  given.abort(new Error('given up'));
  const reference = parseImageReference('127.0.0.1:1/acme/api');
  await assert.rejects(
    new Repository(transport, reference, []).digestOf('1', given.signal),
    /^Error: given up$/,
  );
});
