import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { RequestError } from '../machinery/request-error.ts';
import { podOf, START, turns } from './agent-fixture.ts';
import type { Fixture } from './agent-fixture.ts';
import { withoutSecrets } from './references.ts';
import { work } from './pod-worker-fixture.ts';

const SECOND_MS = 1_000;

const pod = podOf({
  serviceAccountName: 'robot',
  volumes: [
    {
      name: 'api',
      projected: {
        defaultMode: 0o644,
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: 600 } },
          { serviceAccountToken: { path: 'vault/token', audience: 'vault' } },
          {
            downwardAPI: { items: [{ path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } }] },
          },
        ],
      },
    },
  ],
});

/** Answers requests for tokens with `AUDIENCE-1`, `AUDIENCE-2` …, of the length asked for. */
class Issuer {
  readonly asked: string[] = [];
  readonly bodies: unknown[] = [];
  refusal: Error | undefined;

  answer({ server, clock }: Fixture): void {
    server.connect = (resource, namespace, name, subresource, body) => {
      const { audiences, expirationSeconds } = (body as { spec: Asked }).spec;
      this.asked.push([namespace, resource.resource, name, subresource].join('/'));
      this.bodies.push(body);
      if (this.refusal !== undefined) return Promise.reject(this.refusal);
      const expires = new Date(clock.now() + expirationSeconds * SECOND_MS).toISOString();
      const token = `${audiences[0] ?? 'api'}-${this.asked.length}`;
      return Promise.resolve({ status: { token, expirationTimestamp: expires } });
    };
  }
}

interface Asked {
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

const volumeOf = ({ context }: Fixture): string => `${context.folderOf('u1')}/volumes/api`;

/** Waits for a token in its file, and lets so much time pass meanwhile. */
async function replaced(fixture: Fixture, token: string, passingMs = 0): Promise<void> {
  await eventually(`the token is ${token}`, async () => {
    fixture.clock.advance(passingMs);
    assert.equal(await readFile(`${volumeOf(fixture)}/token`, 'utf8'), token);
  });
}

test('a Pod finds its tokens beside the other sources, each asked for this Pod alone', async (t) => {
  const issuer = new Issuer();
  const worked = await work(t, pod, (fixture) => issuer.answer(fixture));
  const folder = volumeOf(worked);
  await eventually('it runs', () => assert.equal(worked.runtime.ran.length, 1));
  assert.equal(await readFile(`${folder}/token`, 'utf8'), 'api-1');
  assert.equal(await readFile(`${folder}/vault/token`, 'utf8'), 'vault-2');
  assert.equal(await readFile(`${folder}/ns`, 'utf8'), 'default');
  assert.equal((await stat(`${folder}/token`)).mode & 0o777, 0o644);
  assert.deepEqual(issuer.asked, Array(2).fill('default/serviceaccounts/robot/token'));
  assert.deepEqual(issuer.bodies[0], {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: [],
      expirationSeconds: 600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'u1' },
    },
  });
});

test('a token is replaced when four fifths of its time are over, and only that one', async (t) => {
  const issuer = new Issuer();
  const worked = await work(t, pod, (fixture) => issuer.answer(fixture));
  const folder = volumeOf(worked);
  await eventually('it runs', () => assert.equal(worked.runtime.ran.length, 1));
  worked.clock.advance(479 * SECOND_MS);
  await turns();
  assert.equal(issuer.asked.length, 2);
  worked.clock.advance(SECOND_MS);
  await replaced(worked, 'api-3');
  assert.equal(await readFile(`${folder}/vault/token`, 'utf8'), 'vault-2');
  assert.deepEqual((await readdir(folder)).toSorted(), ['ns', 'token', 'vault']);
});

test('while the server refuses the old token stays, and each minute it is asked again, until the Pod is gone', async (t) => {
  const issuer = new Issuer();
  const worked = await work(t, pod, (fixture) => issuer.answer(fixture));
  const folder = volumeOf(worked);
  await eventually('it runs', () => assert.equal(worked.runtime.ran.length, 1));
  issuer.refusal = new RequestError(503, 'ServiceUnavailable', 'later');
  worked.clock.advance(480 * SECOND_MS);
  await eventually('it is asked', () => {
    worked.clock.advance(0);
    assert.equal(issuer.asked.length, 3);
  });
  await turns();
  assert.equal(await readFile(`${folder}/token`, 'utf8'), 'api-1');
  issuer.refusal = undefined;
  await replaced(worked, 'api-4', 10 * SECOND_MS);
  const leaving = { deletionTimestamp: '2026-01-01T00:10:00Z', deletionGracePeriodSeconds: 0 };
  worked.worker.update({ ...pod, metadata: { ...pod.metadata, ...leaving } });
  await eventually('it is gone', () => assert.ok(worked.isFinished()));
  worked.clock.advance(24 * 3_600 * SECOND_MS);
  await turns();
  assert.equal(issuer.asked.length, 4);
});

test('a Pod that runs already when the agent starts gets new tokens, and is not restarted', async (t) => {
  const issuer = new Issuer();
  const identity = {
    namespace: 'default',
    pod: 'web',
    podUID: 'u1',
    container: 'main',
    attempt: 0,
  };
  const worked = await work(t, pod, (fixture) => {
    issuer.answer(fixture);
    fixture.runtime.put(identity, { state: 'running', startedAt: START });
  });
  await replaced(worked, 'api-1');
  assert.equal(worked.runtime.ran.length, 0);
});

test('without a token the container waits and says why', async (t) => {
  const issuer = new Issuer();
  issuer.refusal = new RequestError(404, 'NotFound', 'serviceaccounts "robot" not found');
  const { server, runtime } = await work(t, pod, (fixture) => issuer.answer(fixture));
  await eventually('it says so', () => {
    const [status] = server.statuses.at(-1)?.containerStatuses ?? [];
    assert.match(
      status?.state.waiting?.message ?? '',
      /volume api: no token of ServiceAccount robot: serviceaccounts "robot" not found/,
    );
  });
  assert.equal(runtime.ran.length, 0);
});

test('tokens are taken out of what is told', () => {
  const tokens = new Map([['api', 'eyJhbGciOi.secret']]);
  assert.equal(
    withoutSecrets('run --token eyJhbGciOi.secret', { secrets: new Map(), tokens }),
    'run --token ***',
  );
});
