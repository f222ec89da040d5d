// Downloads from a real server with faults into a real store.
import assert from 'node:assert/strict';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256Hex } from '#test/support/artifact-server.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { ArtifactError } from './artifact-error.ts';
import type { ArtifactFailure } from './artifact-error.ts';
import { ArtifactFetcher } from './artifact-fetcher.ts';
import { fileSource, httpSource } from './artifact-source.ts';
import type { ArtifactSource } from './artifact-source.ts';
import { binariesBench, makeHttp, makeStore, someBytes } from './binaries-fixture.ts';
import type { BinariesBench } from './binaries-fixture.ts';

const PATH = '/tool/releases/download/v1.0.0/tool-linux-amd64';
const CONTENT = someBytes(300_000);

async function partials(bench: BinariesBench): Promise<readonly string[]> {
  return readdir(join(bench.store.folder, 'partial')).catch(() => []);
}

function ensure(bench: BinariesBench, digest: string, ...urls: readonly string[]) {
  const sources = urls.map((url) => httpSource(bench.http, { url }));
  return bench.fetcher.ensure({ digest: { sha256: digest }, sources }, { signal: bench.signal });
}

/** Cuts the connection when the downloader has taken what came before. */
function cutting(afterBytes: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onProgress = (bytes: number): void => void (bytes === afterBytes && resolve());
  return { fault: { type: 'cut', afterBytes, release: promise }, onProgress } as const;
}

async function failsWith(failure: ArtifactFailure, work: Promise<unknown>): Promise<ArtifactError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ArtifactError, String(error));
    assert.equal(error.failure, failure, error.message);
    return error;
  }
  assert.fail(`should fail with ${failure}`);
}

test('a file is fetched once, kept under its digest, and found again', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  const first = await ensure(bench, digest, bench.server.url + PATH);
  assert.equal(first.size, CONTENT.length);
  assert.equal(first.source, bench.server.url + PATH);
  assert.deepEqual(await readFile(join(bench.store.folder, 'sha256', digest)), CONTENT);
  const second = await ensure(bench, digest, bench.server.url + PATH);
  assert.equal(second.source, undefined);
  assert.equal(bench.server.fetches(PATH), 1);
  assert.deepEqual(
    bench.outcomes.map(({ result }) => result),
    ['fetched', 'hit'],
  );
  assert.deepEqual(await partials(bench), []);
});

test('the digest comes from a checksum file in both forms', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  bench.server.put('/bare', `${digest.toUpperCase()}\n`);
  for (const url of [`${bench.server.url}${PATH}.sha256`, `${bench.server.url}/bare`]) {
    const sources = [httpSource(bench.http, { url: bench.server.url + PATH })];
    const wanted = { digest: { sha256From: { url } }, sources, fileName: 'tool-linux-amd64' };
    assert.equal((await bench.fetcher.ensure(wanted, { signal: bench.signal })).digest, digest);
  }
  bench.server.put('/large', 'a'.repeat(1025));
  const sources = [httpSource(bench.http, { url: bench.server.url + PATH })];
  const wanted = { digest: { sha256From: { url: `${bench.server.url}/large` } }, sources };
  await failsWith('TooLarge', bench.fetcher.ensure(wanted, { signal: bench.signal }));
});

test('other bytes than published never get into the store, and the next mirror is asked [k0sctl-067]', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  bench.server.publish('/mirror', CONTENT);
  bench.server.failAlways(PATH, { type: 'wrong' });
  const error = await failsWith('ChecksumMismatch', ensure(bench, digest, bench.server.url + PATH));
  const wrong = sha256Hex(CONTENT.map((byte) => byte ^ 1));
  assert.match(error.message, new RegExp(`is ${wrong}, and should be ${digest}`));
  assert.equal(await bench.store.find(digest, bench.signal), undefined);
  assert.deepEqual(await partials(bench), []);
  const found = await ensure(bench, digest, bench.server.url + PATH, `${bench.server.url}/mirror`);
  assert.equal(found.source, `${bench.server.url}/mirror`);
  bench.server.failAlways(PATH, { type: 'short' });
  await bench.store.remove(digest);
  await failsWith('ChecksumMismatch', ensure(bench, digest, bench.server.url + PATH));
});

test('a truncated or altered entry is healed by one more fetch [k0sctl-068]', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  const { path } = await ensure(bench, digest, bench.server.url + PATH);
  await truncate(path, CONTENT.length >> 1);
  assert.equal((await ensure(bench, digest, bench.server.url + PATH)).size, CONTENT.length);
  assert.equal(bench.server.fetches(PATH), 2);
  assert.deepEqual(bench.damaged, [digest]);
  await writeFile(path, Buffer.from(CONTENT).fill(0, 0, 1));
  // As a process that starts anew sees it.
  const again = makeStore(bench.store.folder, { onDamage: (one) => bench.damaged.push(one) });
  const fetcher = new ArtifactFetcher(again, bench.http);
  const sources = [httpSource(bench.http, { url: bench.server.url + PATH })];
  await fetcher.ensure({ digest: { sha256: digest }, sources }, { signal: bench.signal });
  assert.equal(bench.server.fetches(PATH), 3);
  assert.deepEqual(await readFile(path), CONTENT);
});

test('twenty who want the same at once cause one fetch, also from two processes with one store [k0sctl-069]', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  // Two stores on one folder see each other only through the disk, as two processes do.
  const other = new ArtifactFetcher(makeStore(bench.store.folder), bench.http);
  const sources = [httpSource(bench.http, { url: bench.server.url + PATH })];
  const wanted = { digest: { sha256: digest }, sources };
  const all = Array.from({ length: 20 }, (_, index) =>
    (index % 2 === 0 ? bench.fetcher : other).ensure(wanted, { signal: bench.signal }),
  );
  assert.deepEqual(new Set((await Promise.all(all)).map((one) => one.digest)), new Set([digest]));
  assert.equal(bench.server.fetches(PATH), 1);
  assert.deepEqual(await readdir(join(bench.store.folder, 'locks')), []);
});

test('a cut connection is continued where it ended, when the file is the same', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  const { fault, onProgress } = cutting(100_000);
  bench.server.fail(PATH, fault);
  const sources = [httpSource(bench.http, { url: bench.server.url + PATH })];
  const wanted = { digest: { sha256: digest }, sources };
  await bench.fetcher.ensure(wanted, { signal: bench.signal, onProgress });
  assert.deepEqual(
    bench.server.requests.map(({ headers }) => headers.range),
    [undefined, 'bytes=100000-'],
  );
});

test('a file that changed between two attempts is fetched from the beginning', async (t) => {
  const bench = await binariesBench(t);
  bench.server.publish(PATH, CONTENT);
  const { fault, onProgress } = cutting(100_000);
  bench.server.fail(PATH, fault);
  const next = someBytes(200_000, 2);
  const digest = sha256Hex(next);
  const changing = makeHttp(t, {
    random() {
      // Called for the wait between the attempts.
      bench.server.publish(PATH, next);
      return 0;
    },
  });
  const sources = [httpSource(changing, { url: bench.server.url + PATH })];
  const found = await bench.fetcher.ensure(
    { digest: { sha256: digest }, sources },
    { signal: bench.signal, onProgress },
  );
  assert.equal(found.size, next.length);
  assert.deepEqual(await readFile(found.path), next);
});

test('a server without ranges is asked for the whole again', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  bench.server.fail(PATH, { type: 'cut', afterBytes: 100_000 });
  bench.server.failAlways(PATH, { type: 'noRange' });
  assert.equal((await ensure(bench, digest, bench.server.url + PATH)).size, CONTENT.length);
});

test('busy servers are asked again, refusals are not', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  bench.server.fail(
    PATH,
    { type: 'status', status: 429, retryAfter: '0' },
    { type: 'status', status: 503 },
  );
  await ensure(bench, digest, bench.server.url + PATH);
  assert.equal(bench.server.fetches(PATH), 3);
  await bench.store.remove(digest);
  for (const [status, failure, requests] of [
    [404, 'NotFound', 1],
    [403, 'Refused', 1],
    [500, 'Unreachable', 5],
  ] as const) {
    bench.server.failAlways(PATH, { type: 'status', status });
    const before = bench.server.fetches(PATH);
    await failsWith(failure, ensure(bench, digest, bench.server.url + PATH));
    assert.equal(bench.server.fetches(PATH) - before, requests, String(status));
  }
});

test('a server that wants a long pause is left alone, and the pause told', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  bench.server.failAlways(PATH, { type: 'status', status: 429, retryAfter: '3600' });
  const error = await failsWith('RateLimited', ensure(bench, digest, bench.server.url + PATH));
  assert.equal(error.retryAfterMs, 3_600_000);
  assert.equal(bench.server.fetches(PATH), 1);
});

test('a source that wants a long pause does not silence the others', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  const paths = ['/busy', '/broken', '/gone'] as const;
  const fails = async (...asked: readonly (typeof paths)[number][]): Promise<ArtifactError> => {
    const [busy, broken, gone] = paths;
    bench.server.failAlways(busy, { type: 'status', status: 429, retryAfter: '3600' });
    bench.server.failAlways(broken, { type: 'status', status: 503 });
    bench.server.failAlways(gone, { type: 'status', status: 404 });
    return failsWith(
      asked.includes(broken) && asked[0] === broken ? 'Unreachable' : 'RateLimited',
      ensure(bench, digest, ...asked.map((path) => bench.server.url + path)),
    );
  };
  assert.equal((await fails('/busy', '/broken')).retryAfterMs, undefined);
  assert.equal((await fails('/broken', '/busy')).retryAfterMs, undefined);
  // Whoever has no such file is no reason to hurry.
  assert.equal((await fails('/gone', '/busy')).retryAfterMs, 3_600_000);
});

test('when the sources of somebody else fail, one’s own are asked, and who asks the same is told the same', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  const [ours, theirs] = [`${bench.server.url}${PATH}`, `${bench.server.url}/theirs`];
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const refuses = {
    ...httpSource(bench.http, { url: theirs }),
    async fill() {
      counts.theirs += 1;
      asked.resolve();
      await promise;
      throw new ArtifactError('Refused', `${theirs} answers 403`);
    },
  };
  const counts = { theirs: 0 };
  const published = { sha256: digest };
  const of = (source: ArtifactSource) =>
    bench.fetcher.ensure({ digest: published, sources: [source] }, { signal: bench.signal });
  const refused = [failsWith('Refused', of(refuses))];
  await asked.promise;
  refused.push(failsWith('Refused', of(refuses)), failsWith('Refused', of(refuses)));
  const brought = [ours, ours].map((url) => of(httpSource(bench.http, { url })));
  const { identity: _, ...unlike } = httpSource(bench.http, { url: ours });
  brought.push(of(unlike));
  resolve();
  for (const { size } of await Promise.all(brought)) assert.equal(size, CONTENT.length);
  for (const { message } of await Promise.all(refused))
    assert.equal(message, `${theirs} answers 403`);
  assert.equal(bench.server.fetches(PATH), 1);
  assert.equal(counts.theirs, 1);
});

test('what never ends, or is larger than allowed, is cut off', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  const sources = [httpSource(bench.http, { url: bench.server.url + PATH })];
  const wanted = { digest: { sha256: digest }, sources, limitBytes: 299_999 };
  await failsWith('TooLarge', bench.fetcher.ensure(wanted, { signal: bench.signal }));
  bench.server.failAlways(PATH, { type: 'endless' });
  await failsWith('TooLarge', bench.fetcher.ensure(wanted, { signal: bench.signal }));
  assert.deepEqual(await partials(bench), []);
});

test('a server that does not answer is given up, and so is one that stops in the middle', async (t) => {
  const bench = await binariesBench(t, { headersMs: 200, idleMs: 200, tries: 2 });
  const digest = bench.server.publish(PATH, CONTENT);
  bench.server.failAlways(PATH, { type: 'silent' });
  const silent = await failsWith('Unreachable', ensure(bench, digest, bench.server.url + PATH));
  assert.match(silent.message, /no answer within 0.2 s/);
  const { promise, resolve } = Promise.withResolvers<void>();
  t.after(() => resolve());
  bench.server.failAlways(PATH, { type: 'slow', release: promise });
  const slow = await failsWith('Unreachable', ensure(bench, digest, bench.server.url + PATH));
  assert.match(slow.message, /nothing came for 0.2 s/);
});

test('whoever gives up does not end the fetch of the others; the last one does', async (t) => {
  const bench = await binariesBench(t);
  const digest = bench.server.publish(PATH, CONTENT);
  const { promise, resolve } = Promise.withResolvers<void>();
  t.after(() => resolve());
  bench.server.fail(PATH, { type: 'slow', release: promise });
  const sources = [httpSource(bench.http, { url: bench.server.url + PATH })];
  const wanted = { digest: { sha256: digest }, sources };
  const impatient = new AbortController();
  const first = bench.fetcher.ensure(wanted, { signal: impatient.signal });
  const second = bench.fetcher.ensure(wanted, { signal: bench.signal });
  impatient.abort(new Error('no time'));
  await assert.rejects(first, /no time/);
  resolve();
  assert.equal((await second).size, CONTENT.length);
  assert.equal(bench.server.fetches(PATH), 1);
});

test('the next process goes on where one was killed, and what does not fit is thrown away', async (t) => {
  const bench = await binariesBench(t, { tries: 1 });
  const digest = bench.server.publish(PATH, CONTENT);
  const sources = [httpSource(bench.http, { url: bench.server.url + PATH })];
  const wanted = { digest: { sha256: digest }, sources };
  const begin = async (): Promise<string> => {
    const { fault, onProgress } = cutting(100_000);
    bench.server.fail(PATH, fault);
    const context = { signal: bench.signal, onProgress };
    await failsWith('Unreachable', bench.fetcher.ensure(wanted, context));
    const [left = ''] = (await partials(bench)).filter((name) => !name.endsWith('.origin'));
    return join(bench.store.folder, 'partial', left);
  };
  assert.equal((await stat(await begin())).size, 100_000);
  const next = new ArtifactFetcher(makeStore(bench.store.folder), bench.http);
  await next.ensure(wanted, { signal: bench.signal });
  assert.equal(bench.server.requests.at(-1)?.headers.range, 'bytes=100000-');
  assert.deepEqual(await partials(bench), []);
  // Bytes that were torn by a power cut: noticed by the digest, and fetched anew.
  await bench.store.remove(digest);
  await writeFile(await begin(), Buffer.alloc(100_000));
  const found = await next.ensure(wanted, { signal: bench.signal });
  assert.deepEqual(await readFile(found.path), CONTENT);
});

test('redirects are followed a few times, and headers stay with the server they are for', async (t) => {
  const bench = await binariesBench(t);
  const other = await binariesBench(t);
  const digest = other.server.publish(PATH, CONTENT);
  bench.server.failAlways('/moved', { type: 'redirect', to: other.server.url + PATH });
  bench.server.authorization = 'Bearer secret-token';
  const url = `${bench.server.url}/moved?signature=secret-query`;
  const headers = { authorization: 'Bearer secret-token' };
  const sources = [httpSource(bench.http, { url, headers })];
  await bench.fetcher.ensure({ digest: { sha256: digest }, sources }, { signal: bench.signal });
  assert.equal(other.server.requests[0]?.headers.authorization, undefined);
  bench.server.failAlways('/round', { type: 'redirect', to: '/round' });
  const round = [httpSource(bench.http, { url: `${bench.server.url}/round`, headers })];
  const error = await failsWith(
    'Refused',
    bench.fetcher.ensure(
      { digest: { sha256: sha256Hex('x') }, sources: round },
      { signal: bench.signal },
    ),
  );
  assert.match(error.message, /without end/);
});

test('credentials are in no message, and go over https or stay on this machine', async (t) => {
  const bench = await binariesBench(t, { tries: 1 });
  const { port } = bench.server;
  bench.server.authorization = `Basic ${Buffer.from('user:pass-word').toString('base64')}`;
  const digest = bench.server.publish(PATH, CONTENT);
  const login = `http://user:pass-word@127.0.0.1:${port}${PATH}?token=query-secret`;
  const found = await ensure(bench, digest, login);
  assert.doesNotMatch(found.source ?? '', /pass-word|query-secret/);
  await bench.store.remove(digest);
  bench.server.failAlways(PATH, { type: 'status', status: 500 });
  const error = await failsWith('Unreachable', ensure(bench, digest, login));
  assert.doesNotMatch(JSON.stringify(error) + String(error.stack), /pass-word|query-secret/);
  await failsWith('Refused', ensure(bench, digest, 'http://user:pass-word@192.0.2.1/x'));
  await failsWith('Invalid', ensure(bench, digest, 'ftp://192.0.2.1/x'));
  await failsWith('Invalid', ensure(bench, digest, 'not a URL'));
});

test('a proxy comes from the environment that is handed in', async (t) => {
  const bench = await binariesBench(t);
  const http = makeHttp(t, { environment: { http_proxy: bench.server.url }, tries: 1 });
  const probe = await http.probe({ url: 'http://192.0.2.1/through-the-proxy' }, bench.signal);
  assert.equal(probe.isReachable, false);
  assert.ok(bench.server.requests.length > 0);
  assert.throws(() => makeHttp(t, { environment: { https_proxy: 'http://' } }), /https_proxy/);
});

test('a probe asks without fetching, by HEAD and else by one byte', async (t) => {
  const bench = await binariesBench(t);
  bench.server.publish(PATH, CONTENT);
  const url = bench.server.url + PATH;
  assert.equal((await bench.http.probe({ url }, bench.signal)).size, CONTENT.length);
  bench.server.fail(PATH, { type: 'status', status: 405 });
  const second = await bench.http.probe({ url }, bench.signal);
  assert.deepEqual([second.isReachable, second.size], [true, CONTENT.length]);
  assert.equal(bench.server.requests.at(-1)?.headers.range, 'bytes=0-0');
  const none = await bench.http.probe({ url: `${url}-none?key=secret` }, bench.signal);
  assert.equal(none.isReachable, false);
  assert.match(none.message, /404/);
  assert.doesNotMatch(none.message, /secret/);
});

test('a file of this machine is a source too', async (t) => {
  const bench = await binariesBench(t);
  const path = join(tempDir(), 'tool');
  await writeFile(path, CONTENT);
  const wanted = { digest: { sha256: sha256Hex(CONTENT) }, sources: [fileSource(path)] };
  const found = await bench.fetcher.ensure(wanted, { signal: bench.signal });
  assert.equal(found.size, CONTENT.length);
  const missing = { digest: { sha256: sha256Hex('') }, sources: [fileSource(`${path}-none`)] };
  await failsWith('NotFound', bench.fetcher.ensure(missing, { signal: bench.signal }));
});
