import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { copyJson, equalJson, isJsonObject } from '../schema/json-value.ts';
import { formatPointer, parsePointer } from './json-pointer.ts';
import { applyJSONPatch } from './json-patch.ts';

type Row = readonly [name: string, document: unknown, operations: unknown, result: unknown];

// RFC 6902, appendix A, and escaping.
const rfc: readonly Row[] = [
  ['A.1', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
  [
    'A.2',
    { foo: ['a', 'c'] },
    [{ op: 'add', path: '/foo/1', value: 'b' }],
    { foo: ['a', 'b', 'c'] },
  ],
  ['A.3', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
  ['A.4', { foo: ['a', 'b', 'c'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['a', 'c'] }],
  ['A.5', { baz: 1, foo: 2 }, [{ op: 'replace', path: '/baz', value: 'b' }], { baz: 'b', foo: 2 }],
  [
    'A.6',
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [
    'A.7',
    { foo: [1, 2, 3, 4] },
    [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    { foo: [1, 3, 4, 2] },
  ],
  ['A.8', { baz: ['a', 2] }, [{ op: 'test', path: '/baz/1', value: 2 }], { baz: ['a', 2] }],
  ['A.10', { foo: 1 }, [{ op: 'add', path: '/c', value: { g: {} } }], { foo: 1, c: { g: {} } }],
  ['A.11', { foo: 1 }, [{ op: 'add', path: '/b', value: 2, xyz: 3 }], { foo: 1, b: 2 }],
  ['A.14', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
  [
    'A.16',
    { foo: ['bar'] },
    [{ op: 'add', path: '/foo/-', value: ['a'] }],
    { foo: ['bar', ['a']] },
  ],
  ['copy', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
  ['whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ['null', { a: 1 }, [{ op: 'add', path: '/a', value: null }], { a: null }],
];

test('applyJSONPatch() does the examples of RFC 6902', () => {
  for (const [name, document, operations, result] of rfc) {
    assert.deepEqual(applyJSONPatch(copyJson(document), operations), result, name);
  }
});

const doublings = Array.from({ length: 40 }, (_, at) => ({
  op: 'copy',
  from: '',
  path: `/c${at}`,
}));

const refused: readonly (readonly [
  name: string,
  operations: unknown,
  code: number,
  why: RegExp,
])[] = [
  ['no list', { op: 'add' }, 400, /list of operations/],
  ['no object', [1], 400, /operation 0 must be an object/],
  ['no op', [{ path: '/a' }], 422, /no "op"/],
  ['no path', [{ op: 'remove' }], 422, /no "path"/],
  ['no value', [{ op: 'add', path: '/a' }], 422, /no "value"/],
  ['no from', [{ op: 'move', path: '/a' }], 422, /no "from"/],
  ['unknown op', [{ op: 'spam', path: '/a' }], 422, /unknown "op" "spam"/],
  ['missing parent', [{ op: 'add', path: '/x/y', value: 1 }], 422, /"\/x" does not exist/],
  ['missing field', [{ op: 'remove', path: '/x' }], 422, /does not exist/],
  ['replace missing', [{ op: 'replace', path: '/x', value: 1 }], 422, /does not exist/],
  ['inherited', [{ op: 'remove', path: '/toString' }], 422, /does not exist/],
  ['prototype', [{ op: 'add', path: '/__proto__/x', value: 1 }], 422, /does not exist/],
  ['index beyond', [{ op: 'add', path: '/list/3', value: 1 }], 422, /does not exist/],
  ['leading zero', [{ op: 'remove', path: '/list/00' }], 422, /does not exist/],
  ['negative', [{ op: 'remove', path: '/list/-1' }], 422, /does not exist/],
  ['behind the end', [{ op: 'remove', path: '/list/-' }], 422, /does not exist/],
  ['no slash', [{ op: 'remove', path: 'a' }], 422, /start with/],
  ['bad escape', [{ op: 'remove', path: '/a~2' }], 422, /"~"/],
  ['into itself', [{ op: 'move', from: '/a', path: '/a/b' }], 422, /into itself/],
  ['test', [{ op: 'test', path: '/a', value: { b: 2 } }], 422, /failed/],
  ['many', Array.from({ length: 10_001 }, () => ({ op: 'remove', path: '/a' })), 413, /10000/],
  ['copies', doublings, 413, /add up/],
];

test('applyJSONPatch() refuses what is malformed, too much or does not fit', () => {
  for (const [name, operations, code, why] of refused) {
    assert.throws(
      () => applyJSONPatch({ a: { b: 1 }, list: [1, 2] }, operations),
      (error: unknown) => {
        assert.ok(error instanceof ApiError, name);
        assert.equal(error.code, code, name);
        const causes = error.details?.causes?.map(({ message }) => message).join() ?? '';
        assert.match(`${error.message} ${causes}`, why, name);
        return true;
      },
      name,
    );
  }
});

test('parsePointer() undoes formatPointer()', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (pointer) => {
      assert.deepEqual(parsePointer(formatPointer(pointer)), pointer);
    }),
  );
});

const json = fc.jsonValue({ maxDepth: 3 });

/** Turns one document into another field by field: a patch made without the code under test. */
function difference(from: unknown, to: unknown, path: readonly string[]): unknown[] {
  if (!isJsonObject(from) || !isJsonObject(to)) {
    return equalJson(from, to) ? [] : [{ op: 'replace', path: formatPointer(path), value: to }];
  }
  const operations: unknown[] = [];
  for (const key of Object.keys(from)) {
    const at = [...path, key];
    if (!Object.hasOwn(to, key)) operations.push({ op: 'remove', path: formatPointer(at) });
    else operations.push(...difference(from[key], to[key], at));
  }
  for (const key of Object.keys(to)) {
    if (Object.hasOwn(from, key)) continue;
    operations.push({ op: 'add', path: formatPointer([...path, key]), value: to[key] });
  }
  return operations;
}

test('applyJSONPatch() of the difference of two documents makes one the other', () => {
  fc.assert(
    fc.property(json, json, (from, to) => {
      const result = applyJSONPatch(copyJson(from), difference(from, to, []));
      assert.ok(equalJson(result, to), JSON.stringify(result));
    }),
  );
});
