// Sets of fields against the plainest model there is: a set of paths as text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pathsOf } from './conflict.ts';
import { difference, differenceBelow, has, intersection, setOf, union } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { compareElements, displayPath, inOrder, keyElement, readElement } from './path-element.ts';

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:1');
const paths = fc.array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

function texts(set: FieldSet): string[] {
  return pathsOf(set)
    .map((path) => path.join(' '))
    .toSorted();
}

function model(list: readonly (readonly string[])[]): Set<string> {
  return new Set(list.map((path) => path.join(' ')));
}

const sorted = (items: Iterable<string>): string[] => [...items].toSorted();

test('union, intersection and difference are those of sets of paths', () => {
  fc.assert(
    fc.property(paths, paths, (left, right) => {
      const [a, b] = [setOf(...left), setOf(...right)];
      const [x, y] = [model(left), model(right)];
      assert.deepEqual(texts(a), sorted(x));
      assert.deepEqual(texts(union(a, b)), sorted(new Set([...x, ...y])));
      assert.deepEqual(texts(intersection(a, b)), sorted([...x].filter((path) => y.has(path))));
      assert.deepEqual(texts(difference(a, b)), sorted([...x].filter((path) => !y.has(path))));
      const below = [...x].filter(
        (path) => ![...y].some((taken) => path === taken || path.startsWith(`${taken} `)),
      );
      assert.deepEqual(texts(differenceBelow(a, b)), sorted(below));
      for (const path of left) assert.equal(has(a, path), true);
      for (const path of right) assert.equal(has(a, path), x.has(path.join(' ')));
    }),
  );
});

test('what did not change is the same set, so that nothing is written anew', () => {
  fc.assert(
    fc.property(paths, (list) => {
      const set = setOf(...list);
      assert.equal(union(set, setOf(...list)), set);
      assert.equal(difference(set, setOf(['f:z'])), set);
    }),
  );
});

test('elements have one text and one order', () => {
  assert.equal(keyElement({ protocol: 'TCP', port: 80 }), 'k:{"port":80,"protocol":"TCP"}');
  assert.equal(keyElement({ name: '<&>' }), 'k:{"name":"\\u003c\\u0026\\u003e"}');
  assert.equal(readElement('k:{"b":1, "a":2}'), 'k:{"a":2,"b":1}');
  assert.equal(readElement('z:what'), undefined);
  assert.throws(() => readElement('name'), /missing colon/);
  const all = ['v:"a"', 'i:1', 'f:b', 'k:{"port":80}', 'f:a', 'v:10', 'v:9', 'k:{"port":9}', '.'];
  assert.deepEqual(all.toSorted(compareElements), [
    '.',
    'f:a',
    'f:b',
    'k:{"port":9}',
    'k:{"port":80}',
    'v:9',
    'v:10',
    'v:"a"',
    'i:1',
  ]);
  const set = { 'f:b': { 'v:2': {}, 'v:1': {}, '.': {} }, 'f:a': {} };
  assert.equal(JSON.stringify(inOrder(set)), '{"f:a":{},"f:b":{".":{},"v:1":{},"v:2":{}}}');
  assert.equal(
    displayPath(['f:spec', 'f:ports', 'k:{"port":80,"protocol":"TCP"}', 'f:x']),
    '.spec.ports[port=80,protocol="TCP"].x',
  );
  assert.equal(displayPath(['f:tags', 'v:"a"', 'i:3']), '.tags[="a"][3]');
});
