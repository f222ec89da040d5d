// Searching by name: page after page, no more than is worth showing, and what a server may answer instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiFailure } from './api-failure.ts';
import type { ApiObject, ObjectList } from './api-object.ts';
import { findByName } from './search.ts';
import type { Found } from './search.ts';

type Page = (token: string | undefined) => Promise<ObjectList<ApiObject>>;

/** Pages of these sizes, of objects `default/web-0`, `default/web-1` and so on. */
function pagesOf(...sizes: readonly number[]): Page {
  return (token = '0') => {
    const at = Number(token);
    const first = sizes.slice(0, at).reduce((sum, size) => sum + size, 0);
    const items = Array.from({ length: sizes[at] ?? 0 }, (_, index) => ({
      metadata: { name: `web-${first + index}`, namespace: 'default' },
    }));
    const next = at + 1 < sizes.length ? { continue: String(at + 1) } : {};
    return Promise.resolve({ metadata: { resourceVersion: '1', ...next }, items });
  };
}

async function found(text: string, page: Page, signal = AbortSignal.any([])): Promise<Found[]> {
  const told: Found[] = [];
  await findByName(text, page, (now) => told.push(now), signal);
  return told;
}

test('findByName() looks through all pages, and tells after each', async () => {
  const told = await found(' WEB-1', pagesOf(3, 3, 12));
  assert.deepEqual(
    told.map(({ state, looked, items }) => [state, looked, items.length]),
    [
      ['Looking', 3, 1],
      ['Looking', 6, 1],
      ['All', 18, 9],
    ],
  );
  const [only] = await found('default/web-2', pagesOf(3));
  assert.deepEqual(
    only?.items.map(({ metadata }) => metadata.name),
    ['web-2'],
  );
  assert.deepEqual((await found('nothing', pagesOf(3)))[0]?.items, []);
});

test('findByName() stops where there is more than anybody reads', async () => {
  const states = async (...sizes: number[]): Promise<unknown> =>
    (await found('web', pagesOf(...sizes))).map(({ state, items }) => [state, items.length]);
  assert.deepEqual(await states(50), [['All', 50]]);
  assert.deepEqual(await states(51, 5), [['Enough', 50]]);
  assert.deepEqual(await states(50, 1), [['Enough', 50]]);
  assert.deepEqual(await states(30, 30, 30), [
    ['Looking', 30],
    ['Enough', 50],
  ]);
});

test('findByName() keeps what it has when the server refuses, and a kind that is not there has nothing', async () => {
  const refusing =
    (code: number): Page =>
    (token) =>
      token === undefined
        ? pagesOf(2, 2)(token)
        : Promise.reject(new ApiFailure(code, '', 'because'));
  const [, last] = await found('web', refusing(403));
  assert.equal(last?.state, 'Failed');
  assert.equal(last?.failure?.message, 'because');
  assert.equal(last?.items.length, 2);
  assert.equal((await found('web', refusing(404))).at(-1)?.state, 'All');
});

test('findByName() tells nobody who has gone on', async () => {
  const end = new AbortController();
  const pages = pagesOf(2, 2);
  const told = await found(
    'web',
    (token) => {
      if (token !== undefined) end.abort();
      return pages(token);
    },
    end.signal,
  );
  assert.equal(told.length, 1);
});
