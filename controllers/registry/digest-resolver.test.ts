import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { missingForRegistry, startRegistry } from '#test/support/docker-registry.ts';
import { eventually } from '#test/support/eventually.ts';
import { needs } from '#test/support/missing-part.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import type { ImageAnswer, ImageQuestions } from '../machinery/digest-resolver.ts';
import { fullImage, parseImageReference } from '../machinery/image-reference.ts';
import { RequestError } from '../machinery/request-error.ts';
import { RegistryDigestResolver } from './digest-resolver.ts';
import type { ResolverOptions } from './digest-resolver.ts';
import { pushImage } from './image-fixture.ts';
import { Repository } from './repository.ts';
import { Transport } from './transport.ts';

const { signal } = new AbortController();
const LOGIN = { username: 'ann', password: 'hidden-word' };
const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

/** Namespace `with` has the Secret `pull` for the registry at `address`. */
function resolver(
  t: TestContext,
  address: string,
  change: Partial<ResolverOptions> = {},
): RegistryDigestResolver {
  const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
  const config = JSON.stringify({ auths: { [address]: { auth } } });
  const made = new RegistryDigestResolver({
    client: {
      get<T extends ApiObject>(_: unknown, namespace: string, name: string): Promise<T> {
        if (namespace !== 'with' || name !== 'pull')
          return Promise.reject(new RequestError(404, 'NotFound', 'none'));
        const data = { '.dockerconfigjson': Buffer.from(config).toString('base64') };
        return Promise.resolve({ type: 'kubernetes.io/dockerconfigjson', data } as unknown as T);
      },
    },
    clock: systemClock,
    logger: silentLogger,
    dockerFolder: undefined,
    environment: {},
    userAgent: 'windlass-test',
    ...change,
  });
  t.after(() => made[Symbol.asyncDispose]());
  return made;
}

function questions(image: string, change: Partial<ImageQuestions> = {}): ImageQuestions {
  return {
    images: [{ image: fullImage(parseImageReference(image)), policy: 'Always' }],
    namespace: 'with',
    pullSecrets: ['pull'],
    nodes: [],
    ...change,
  };
}

async function one(from: RegistryDigestResolver, asked: ImageQuestions): Promise<ImageAnswer> {
  const [answer] = await from.resolve(asked, signal);
  assert.ok(answer !== undefined);
  return answer;
}

test(
  'a tag of a private registry is resolved with the Secret, and remembered for 30 s',
  needs(await missingForRegistry()),
  async (t) => {
    const registry = await startRegistry(`${LOGIN.username}:${LOGIN.password}`);
    t.after(() => registry.close());
    const transport = new Transport({ clock: systemClock, userAgent: 'windlass-test' });
    t.after(() => transport[Symbol.asyncDispose]());
    const image = `${registry.address}/acme/api:1`;
    const repository = new Repository(transport, parseImageReference(image), [LOGIN]);
    let skipMs = 0;
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skipMs };
    const resolving = resolver(t, registry.address, { clock });

    const first = await pushImage(repository, '1', 'one', signal);
    assert.deepEqual(await one(resolving, questions(image)), {
      image,
      digest: first,
      reason: 'its registry says so',
      isMissing: false,
    });
    const second = await pushImage(repository, '1', 'two', signal);
    assert.equal((await one(resolving, questions(image))).digest, first);
    assert.equal((await one(resolving, questions(image, { fresh: true }))).digest, second);
    const third = await pushImage(repository, '1', 'three', signal);
    assert.equal((await one(resolving, questions(image))).digest, second);
    skipMs = 30_001;
    assert.equal((await one(resolving, questions(image))).digest, third);

    // What one namespace may see is not told to the next.
    const other = await one(resolving, questions(image, { namespace: 'without' }));
    assert.equal(other.digest, undefined);
    assert.match(other.reason, /wants a login, and none is known/);
    assert.doesNotMatch(other.reason, /hidden-word/);
    const gone = await one(resolving, questions(`${registry.address}/acme/api:2`));
    assert.match(gone.reason, /manifest 2: there is none/);
  },
);

test('where nobody answers, the machines that hold it say; else it stays unpinned', async (t) => {
  const resolving = resolver(t, '127.0.0.1:1');
  const image = '127.0.0.1:1/acme/api:1';
  const node = (name: string, digest: string): ImageQuestions['nodes'][number] => ({
    name,
    runtime: 'docker://1',
    images: [{ names: [image, `127.0.0.1:1/acme/api@${digest}`] }],
  });
  const nodes = [node('m1', A), node('m2', B), node('m3', B)];
  const differing = questions(image, { images: [{ image, policy: 'IfNotPresent' }], nodes });
  const fallback = await one(resolving, differing);
  assert.equal(fallback.digest, B);
  assert.match(fallback.reason, /2 of 3 machines .*; cannot reach 127\.0\.0\.1:1/);
  const unpinned = await one(resolving, questions(image));
  assert.equal(unpinned.digest, undefined);
  assert.match(unpinned.reason, /cannot reach 127\.0\.0\.1:1/);
});

/** Answers nothing until told to; a look at /v2/ it answers at once. */
async function stalling(
  t: TestContext,
): Promise<{ readonly address: string; readonly held: ServerResponse[] }> {
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/v2/') response.end();
    else {
      held.push(response);
      assert.ok(held.length <= 8, `${held.length} at once`);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, held };
}

test('no more than eight are asked for at once, each only once', async (t) => {
  const { address, held } = await stalling(t);
  const resolving = resolver(t, address);
  const images = Array.from({ length: 20 }, (_, index) => ({
    image: `${address}/a:${index}`,
    policy: 'Always' as const,
  }));
  const asked = [1, 2].map(() => resolving.resolve(questions('a', { images }), signal));
  let answered = 0;
  await eventually('all are asked for', () => {
    for (const response of held.splice(0)) {
      answered += 1;
      response.writeHead(200, {
        'content-type': 'application/vnd.oci.image.index.v1+json',
        'docker-content-digest': A,
      });
      response.end();
    }
    assert.equal(answered, 20);
  });
  for (const answers of await Promise.all(asked))
    assert.deepEqual(
      answers.map(({ digest }) => digest),
      images.map(() => A),
    );
  assert.equal(held.length, 0);
});

test('whoever gives up does not take the answer from others', async (t) => {
  const { address, held } = await stalling(t);
  const resolving = resolver(t, address);
  const impatient = new AbortController();
  const image = `${address}/a:1`;
  const left = resolving.resolve(questions(image), impatient.signal);
  const stays = one(resolving, questions(image));
  await eventually('it is asked for', () => assert.equal(held.length, 1));
  impatient.abort(new Error('no patience'));
  await assert.rejects(left, /no patience/);
  held[0]?.writeHead(404).end();
  assert.match((await stays).reason, /there is none/);
});

test('a registry that hangs holds a rollout up no longer than the time for it', async (t) => {
  const { address } = await stalling(t);
  const resolving = resolver(t, address, { timeoutMs: 200 });
  const { digest, reason } = await one(resolving, questions(`${address}/a:1`));
  assert.equal(digest, undefined);
  assert.match(reason, /has not answered within 0\.2 s/);
});
