// The expression language: what rules give for one object, and what is refused when they are written.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compileStructural } from '../schema/structural.ts';
import { evaluateRules } from './engine.ts';
import { wrongWith } from './rules-fixture.ts';

const text = { type: 'string' };
const SPEC = {
  type: 'object',
  properties: {
    n: { type: 'integer' },
    d: { type: 'number' },
    s: text,
    if: { type: 'integer' },
    'a-b': text,
    x__y: text,
    list: { type: 'array', items: { type: 'integer' } },
    none: { type: 'array', items: { type: 'integer' } },
    objects: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: text, v: { type: 'integer' } },
      },
    },
    map: { type: 'object', additionalProperties: text },
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
    port: { 'x-kubernetes-int-or-string': true },
    time: { type: 'string', format: 'date-time' },
    day: { type: 'string', format: 'date' },
    span: { type: 'string', format: 'duration' },
    bytes: { type: 'string', format: 'byte' },
    maybe: { type: 'string', nullable: true },
    absent: { type: 'string' },
    anything: { 'x-kubernetes-preserve-unknown-fields': true },
  },
};

const OBJECT = {
  n: 3,
  d: 1.5,
  s: 'héllo wörld',
  if: 1,
  'a-b': 'x',
  x__y: 'z',
  list: [1, 2, 3],
  none: [],
  objects: [
    { name: 'a', v: 1 },
    { name: 'b', v: 2 },
  ],
  map: { k: 'v', k2: 'w' },
  set: ['b', 'a'],
  port: '50%',
  time: '2026-01-02T03:04:05.5Z',
  day: '2026-01-02',
  span: '1h30m',
  bytes: 'aGk=',
  maybe: null,
  anything: { a: 1 },
};

function schemaWith(rule: object) {
  const spec = { ...SPEC, 'x-kubernetes-validations': [rule] };
  const compiled = compileStructural({ type: 'object', properties: { spec } }, 'S');
  if (!('schema' in compiled)) throw new Error(JSON.stringify(compiled));
  return compiled.schema;
}

/** What is wrong with a rule, or with the object by it; without the place of the rule. */
function outcome(rule: string): string {
  const schema = schemaWith({ rule });
  const [refused] = wrongWith(schema);
  if (refused !== undefined) return refused.message.replace(/^Invalid value: "(\\.|[^"])*": /, '');
  const old = rule.includes('oldSelf') ? { spec: OBJECT } : undefined;
  const [broken] = evaluateRules(schema, { spec: OBJECT }, old);
  return broken === undefined ? 'holds' : broken.message.replace('Invalid value: "object": ', '');
}

const HOLDING: Readonly<Record<string, readonly string[]>> = {
  'types and fields': [
    'self.n == 3 && self.n < 3.5 && dyn(self.n) == 3.0',
    'self.d > 1.0 && self.d > 1 && double(self.n) == 3.0 && int(self.d) == 1',
    '3u + 4u == 7u && uint(3) == 3u',
    'has(self.n) && !has(self.absent)',
    'has(self.objects[0].v)',
    "self.__if__ == 1 && self.a__dash__b == 'x' && self.x__underscores__y == 'z'",
    "'k' in self.map && self.map.k == 'v' && self.map['k2'] == 'w' && !('q' in self.map)",
    "self.set == ['a', 'b'] || self.set == ['b', 'a']",
    "type(self.port) == string ? self.port.endsWith('%') : self.port < 10",
    'type(self.n) == int && type(self.list) == list && type(self.d) == double',
    "self.bytes == b'hi' && string(self.bytes) == 'hi' && self.bytes.size() == 2",
    'self.maybe == null',
    'self == oldSelf && self.objects == oldSelf.objects',
    'self.objects[0] in self.objects',
    "{'a': 1}.a == 1 && {1: 'x'}[1] == 'x'",
  ],
  'logic and macros': [
    'true || self.n / 0 == 1',
    'self.n / 0 == 1 || true',
    '!(self.n / 0 == 1 && false)',
    'self.list.all(x, x > 0) && self.list.exists(x, x == 2) && self.list.exists_one(x, x == 2)',
    'self.list.exists(x, x / 0 == 1 || x == 3)',
    'self.list.map(x, x * 2) == [2, 4, 6] && self.list.map(x, x > 1, x) == [2, 3]',
    'self.list.filter(x, x > 1) == [2, 3]',
    'self.objects.all(a, self.objects.exists_one(b, a.name == b.name))',
    'self.map.all(k, self.map[k].size() == 1) && self.map.all(k, v, v.size() == 1)',
    'self.list.all(i, v, v == i + 1) && self.list.exists(i, v, i == v - 1)',
    "self.objects.transformMap(i, o, o.name) == {0: 'a', 1: 'b'}",
    "self.map.transformList(k, v, k + v) == ['kv', 'k2w']",
  ],
  optionals: [
    'self.?n.orValue(5) == 3',
    "self.?absent.orValue('x') == 'x' && !self.?absent.hasValue()",
    "self.map[?'q'].orValue('none') == 'none' && self.list[?9].orValue(0) == 0",
    'optional.of(1).optMap(x, x + 1).value() == 2',
    '!optional.none().hasValue() && !optional.ofNonZeroValue(0).hasValue()',
    'self.?absent.or(self.?s).value() == self.s',
  ],
  strings: [
    "self.s.charAt(1) == 'é' && self.s.indexOf('w') == 6 && self.s.lastIndexOf('l') == 9",
    "self.s.substring(6) == 'wörld' && self.s.substring(0, 2) == 'hé' && self.s.size() == 11",
    "'😀b'.charAt(1) == 'b' && '😀b'.size() == 2 && 'a😀b'.indexOf('b') == 2",
    "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']",
    "['a', 'b'].join('-') == 'a-b' && ['a', 'b'].join() == 'ab'",
    "'aXbX'.replace('X', '--', 1) == 'a--bX' && 'aXbX'.replace('X', '') == 'ab'",
    "'AÉ'.lowerAscii() == 'aÉ' && 'aé'.upperAscii() == 'Aé' && ' a '.trim() == 'a'",
    "'%s-%d-%.2f-%x'.format([self.s, self.n, 1.5, 255]) == 'héllo wörld-3-1.50-ff'",
    "'%s'.format([[1, 2]]) == '[1, 2]' && '100%%'.format([]) == '100%'",
  ],
  'lists and sets': [
    'self.list.sum() == 6 && self.none.sum() == 0 && self.list.min() == 1 && self.list.max() == 3',
    'self.list.isSorted() && ![2, 1].isSorted() && self.list.indexOf(2) == 1',
    'sets.contains(self.list, [2]) && sets.equivalent(self.list, [3, 2, 1, 1])',
    'sets.intersects(self.list, [9, 3]) && !sets.intersects(self.list, [9])',
    'self.list + [4] == [1, 2, 3, 4] && 4 in (self.list + [4])',
  ],
  'regular expressions': [
    "self.s.matches('^h.*d$') && matches(self.s, 'l+o') && !self.s.matches('^l')",
    "self.s.find('w.*') == 'wörld' && self.s.find('q') == ''",
    "self.s.findAll('l').size() == 3 && self.s.findAll('l', 2) == ['l', 'l']",
  ],
  times: [
    "self.time > timestamp('2026-01-01T00:00:00Z') && self.time.getFullYear() == 2026",
    "self.time.getHours('America/New_York') == 22 && self.time.getHours('+01:00') == 4",
    'self.time.getMilliseconds() == 500 && self.time.getDayOfYear() == 1',
    "self.day == timestamp('2026-01-02T00:00:00Z') && self.day.getDayOfWeek() == 5",
    "self.span == duration('90m') && self.span.getMinutes() == 90 && string(self.span) == '5400s'",
    "self.time - self.day == duration('3h4m5.5s') && self.day + duration('24h') > self.time",
    "string(self.time) == '2026-01-02T03:04:05.5Z' && int(self.day) == 1767312000",
  ],
  'Kubernetes libraries': [
    "url('https://u@a.b:80/c%20d?e=f&e=g#h').getHost() == 'a.b:80'",
    "url('https://a.b:443/c%20d?e=f').getEscapedPath() == '/c%20d'",
    "url('https://[::1]:80/').getHostname() == '::1' && url('/p?q=1').getScheme() == ''",
    "url('https://a/?e=f&e=g').getQuery()['e'] == ['f', 'g'] && !isURL('x y') && isURL('/a')",
    "quantity('1Gi').isGreaterThan(quantity('1M')) && quantity('1000m') == quantity('1')",
    "quantity('1').add(quantity('500m')).asApproximateFloat() == 1.5 && !isQuantity('1x')",
    "quantity('3').sub(1).asInteger() == 2 && quantity('-1').sign() == -1",
    "ip('10.0.0.1').family() == 4 && ip('::1').isLoopback() && !isIP('10.0.0.256')",
    "!isIP('::ffff:1.2.3.4') && ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:DB8::1')",
    "cidr('10.0.0.0/8').containsIP('10.2.3.4') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
    "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
    "cidr('fd00::/8').ip().family() == 6 && cidr('fd00::/8').prefixLength() == 8",
    "format.dns1123Label().validate('Ab').hasValue() && !format.dns1123Label().validate('ab').hasValue()",
    "format.named('uuid').hasValue() && !format.named('nothing').hasValue()",
  ],
};

for (const [subject, rules] of Object.entries(HOLDING)) {
  suite(`rules about ${subject}`, () => {
    for (const rule of rules) test(rule, () => assert.equal(outcome(rule), 'holds'));
  });
}

/** Rules that fail, by what is said of them. */
const FAILING: readonly (readonly [rule: string, message: string])[] = [
  ['self.n > 3', 'failed rule: self.n > 3'],
  ['self.n / 0 == 1', 'division by zero evaluating rule: self.n / 0 == 1'],
  [
    'self.n + 9223372036854775807 > 0',
    'integer overflow evaluating rule: self.n + 9223372036854775807 > 0',
  ],
  ['self.list[7] == 1', 'index out of bounds: 7 evaluating rule: self.list[7] == 1'],
  ["self.map['q'] == 'a'", "no such key: q evaluating rule: self.map['q'] == 'a'"],
  ["self.absent == 'a'", "no such key: absent evaluating rule: self.absent == 'a'"],
  [
    'self.list.all(x, x / 0 == 1)',
    'division by zero evaluating rule: self.list.all(x, x / 0 == 1)',
  ],
  [
    'self.port > 5',
    "'no such overload: > applied to (string, int)': call arguments did not match a supported operator, function or macro signature for rule: self.port > 5",
  ],
  [
    "duration('1' + '') == self.span",
    "invalid duration: 1 evaluating rule: duration('1' + '') == self.span",
  ],
  ['self.s.matches(self.s + "(")', 'error parsing regexp: missing closing ): `héllo wörld(`'],
];

for (const [rule, message] of FAILING) {
  test(`the rule ${rule} fails`, () => assert.ok(outcome(rule).startsWith(message), outcome(rule)));
}

/** Rules that no definition may have. */
const REFUSED: readonly (readonly [rule: string, message: string])[] = [
  [
    'self.nope == 1',
    String.raw`compilation failed: ERROR: <input>:1:5: undefined field 'nope'
 | self.nope == 1
 | ....^`,
  ],
  ['has(self.nope)', "compilation failed: ERROR: <input>:1:9: undefined field 'nope'"],
  ['has(self)', 'compilation failed: ERROR: <input>:1:5: invalid argument to has() macro'],
  ['hAs(self.n)', "compilation failed: ERROR: <input>:1:1: undeclared reference to 'hAs'"],
  ['self.anything == 1', "compilation failed: ERROR: <input>:1:5: undefined field 'anything'"],
  ['other == 1', "compilation failed: ERROR: <input>:1:1: undeclared reference to 'other'"],
  [
    'self.s + 1 == self.s',
    "compilation failed: ERROR: <input>:1:8: found no matching overload for '_+_' applied to '(string, int)'",
  ],
  [
    'self.n == 1.0',
    "compilation failed: ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, double)'",
  ],
  ["self.s == 'a", 'compilation failed: ERROR: <input>:1:11: '],
  [
    'self.n &&',
    "compilation failed: ERROR: <input>:1:10: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
  ],
  ['(self.n', "compilation failed: ERROR: <input>:1:8: Syntax error: missing ')' at '<EOF>'"],
  [
    '[self.n',
    "compilation failed: ERROR: <input>:1:8: Syntax error: mismatched input '<EOF>' expecting {']', ','}",
  ],
  [
    'self.n self',
    "compilation failed: ERROR: <input>:1:8: Syntax error: extraneous input 'self' expecting <EOF>",
  ],
  [
    'self.n = 1',
    "compilation failed: ERROR: <input>:1:8: Syntax error: token recognition error at: '= '",
  ],
  [
    'self.',
    "compilation failed: ERROR: <input>:1:6: Syntax error: no viable alternative at input '.'",
  ],
  ["self.n ? 1 : 'a'", 'compilation failed: ERROR: <input>:1:'],
  [
    '!self.n',
    "compilation failed: ERROR: <input>:1:1: found no matching overload for '!_' applied to '(int)'",
  ],
  [
    "'a' in self.n",
    "compilation failed: ERROR: <input>:1:5: found no matching overload for '@in' applied to '(string, int)'",
  ],
  [
    'self.s.startsWith(1)',
    "compilation failed: ERROR: <input>:1:18: found no matching overload for 'startsWith' applied to 'string.(int)'",
  ],
  [
    'self.s.nope == 1',
    "compilation failed: ERROR: <input>:1:7: type 'string' does not support field selection",
  ],
  [
    'cel.bind(x, self.n, x == 9)',
    String.raw`compilation failed: ERROR: <input>:1:1: undeclared reference to 'cel' (in container '')
 | cel.bind(x, self.n, x == 9)
 | ^
ERROR: <input>:1:9: undeclared reference to 'bind' (in container '')`,
  ],
  ['self.n < 9223372036854775808', 'compilation failed: ERROR: <input>:1:10: invalid int literal'],
  [
    "timestamp('x') < self.time",
    'compilation failed: ERROR: <input>:1:11: invalid timestamp argument',
  ],
  [
    'self.list.all(1, true)',
    'compilation failed: ERROR: <input>:1:15: argument must be a simple name',
  ],
  ['self.list.all(i, x, 1)', 'compilation failed: ERROR: '],
  ['self.n.all(i, x, true)', 'compilation failed: ERROR: '],
  ['self.n', 'cel expression must evaluate to a bool'],
  ["self.s.matches('(')", 'compilation failed: ERROR: <input>:1:16: invalid matches argument'],
  [
    "duration('1') == self.span",
    'compilation failed: ERROR: <input>:1:10: invalid duration argument',
  ],
  ["b'a'.hex() == ''", "compilation failed: undeclared reference to 'hex'"],
  [
    'unheard(1)',
    "compilation failed: ERROR: <input>:1:8: undeclared reference to 'unheard' (in container '')",
  ],
];

for (const [rule, message] of REFUSED) {
  test(`the rule ${rule} is refused`, () => {
    const found = outcome(rule).replaceAll(String.raw`\n`, '\n');
    assert.ok(found.startsWith(message), found);
  });
}
