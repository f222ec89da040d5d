import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ApiResource, Client } from '#controllers/machinery/client-types.ts';
import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { DelegatedAccess } from './delegated-access.ts';

interface Review {
  readonly spec: {
    readonly token?: string;
    readonly user?: string;
    readonly nonResourceAttributes?: object;
  };
}

const { signal } = new AbortController();

/** An API server that knows one user by each of these tokens, and lets `reader` read. */
function server(users: Readonly<Record<string, string>>): {
  readonly client: Pick<Client, 'create'>;
  readonly asked: string[];
} {
  const asked: string[] = [];
  const answer = (resource: ApiResource, { spec }: Review): object => {
    if (resource.kind === 'TokenReview') {
      const username = users[spec.token ?? ''];
      asked.push(`token ${username ?? 'unknown'}`);
      return { status: username === undefined ? {} : { authenticated: true, user: { username } } };
    }
    asked.push(`access ${spec.user ?? ''} ${JSON.stringify(spec.nonResourceAttributes)}`);
    return { status: { allowed: spec.user === 'reader' } };
  };
  const create = (resource: ApiResource, _namespace: string, object: object): Promise<never> =>
    Promise.resolve(answer(resource, object as Review) as never);
  return { client: { create }, asked };
}

test('whoever the server knows and lets read may; it is asked once in ten seconds', async () => {
  let now = 0;
  const clock: Clock = { ...systemClock, monotonic: () => now };
  const { client, asked } = server({ a: 'reader', b: 'other' });
  const access = new DelegatedAccess({ client, clock });
  const verdicts = async (): Promise<readonly string[]> => [
    await access.mayGet('a', '/metrics', signal),
    await access.mayGet('b', '/metrics', signal),
    await access.mayGet('c', '/metrics', signal),
  ];
  assert.deepEqual(await verdicts(), ['allowed', 'forbidden', 'unknown']);
  const questions = [
    'token reader',
    'access reader {"path":"/metrics","verb":"get"}',
    'token other',
    'access other {"path":"/metrics","verb":"get"}',
    'token unknown',
  ];
  assert.deepEqual(asked, questions);
  now = 9_999;
  await verdicts();
  assert.deepEqual(asked, questions);
  now = 10_001;
  assert.deepEqual(await verdicts(), ['allowed', 'forbidden', 'unknown']);
  assert.deepEqual(asked, [...questions, ...questions]);
});

test('a server that cannot be asked is no verdict, and is asked again', async () => {
  const create = (): Promise<never> => Promise.reject(new Error('refused'));
  const access = new DelegatedAccess({ client: { create }, clock: systemClock });
  await assert.rejects(access.mayGet('a', '/metrics', signal), /refused/);
  await assert.rejects(access.mayGet('a', '/metrics', signal), /refused/);
});

test('ever new tokens do not fill the memory: the oldest is asked about again', async () => {
  const { client, asked } = server({ a: 'reader' });
  const access = new DelegatedAccess({ client, clock: { ...systemClock, monotonic: () => 0 } });
  await access.mayGet('a', '/metrics', signal);
  for (let index = 0; index < 256; index += 1) await access.mayGet(`x${index}`, '/metrics', signal);
  const before = asked.length;
  await access.mayGet('x255', '/metrics', signal);
  assert.equal(asked.length, before);
  await access.mayGet('a', '/metrics', signal);
  assert.equal(asked.length, before + 2);
});
