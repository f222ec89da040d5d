// Schemas with rules that cost much or little: what an API server says of each is the same everywhere.

const text = { type: 'string', maxLength: 1_000 };
const long = { type: 'string' };
const whole = { type: 'integer' };
const pair = {
  type: 'object',
  required: ['name'],
  properties: { name: text, size: whole, more: { type: 'array', maxItems: 30, items: text } },
};
const list = (items: object, maxItems?: number): object => ({
  type: 'array',
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
});
const map = (values: object, maxProperties?: number): object => ({
  type: 'object',
  additionalProperties: values,
  ...(maxProperties === undefined ? {} : { maxProperties }),
});

/** A part of spec, and rules on it. */
export const ruleCostCases: readonly (readonly [part: object, ...rules: readonly string[]])[] = [
  [whole, 'self > 0', 'self == 1 || self in [1, 2, 3]'],
  [
    long,
    "self.startsWith('a')",
    "self.matches('^[a-z]+$')",
    "self.contains('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
  ],
  [list(long), "self.all(x, x.matches('^[a-z]+$'))"],
  [list(long), "self.all(x, x == 'a')", 'self.all(x, self.exists(y, x == y))'],
  [list(whole), 'self.all(x, x > 0)', 'self.all(x, self.all(y, x != y))'],
  [list(text, 100), "self.all(x, x.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$'))"],
  [list(text, 1_000), "self.all(x, x.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$'))"],
  [list(text, 300), 'self.all(x, self.exists_one(y, x == y))'],
  [
    list(pair, 100),
    'self.all(a, self.exists_one(b, a.name == b.name))',
    'self.all(a, a.size > 0 && has(a.more))',
  ],
  [list(pair, 200), 'self.all(a, a.more.all(m, self.exists(b, b.name == m)))'],
  [list(pair, 2_000), 'self.map(a, a.size).sum() > 0 && self.filter(a, a.size > 1).size() > 2'],
  [
    list(pair, 2_000),
    'self.map(a, a.name).exists(n, n.startsWith("x")) && self.exists(a, a.size == 1)',
  ],
  [
    list(pair, 2_000),
    'self.filter(a, a.size > 1).all(b, b.name != "x")',
    'self.filter(a, a.size > 1).map(b, b.name).all(n, self.exists(a, a.name == n))',
  ],
  [
    map(text, 500),
    'self.all(k, self[k].size() > 1)',
    'self.all(k, self.all(l, self[k] == self[l]))',
  ],
  [map(long), 'self.all(k, self[k] != "x")', 'self.exists(k, k.startsWith("a"))'],
  [
    map(pair, 300),
    'self.all(k, self[k].more.all(m, m in self[k].more))',
    'self.all(k, v, v.size > 0)',
  ],
  [
    list(text, 3_000),
    'self.isSorted()',
    'self.join(",").size() < 10',
    "self.join(',').matches('^a+$')",
  ],
  [
    list(text, 3_000),
    'self.indexOf("a") == 1 && self.max() == "a"',
    'self.map(x, x + x).all(y, y.size() < 10)',
  ],
  [
    list(text, 100),
    'self.all(x, x.replace("a", "bbbb").contains("xyz"))',
    'self.all(x, x.split(",").all(y, y.upperAscii() == y))',
  ],
  [
    list(text, 100),
    'self.all(x, x.lowerAscii().trim().substring(1).endsWith("aaaaaaaaaaa"))',
    'self.all(x, x.find("[a-z]+") == "a")',
    'self.all(x, x.findAll("[a-z]+").all(y, y != "a"))',
  ],
  [
    list(text, 10_000),
    'self.all(x, isURL(x) && url(x).getHost() == "a")',
    'self.all(x, isQuantity(x) && quantity(x).isLessThan(quantity("1")))',
  ],
  [
    list(text, 10_000),
    'self.all(x, ip(x).family() == 4)',
    'self.all(x, cidr(x).containsIP("10.0.0.1"))',
    'self.all(x, ip.isCanonical(x))',
    'self.all(x, isIP(x))',
  ],
  [
    list(text, 10_000),
    'self.all(x, string(x) == x)',
    'self.all(x, "%s-%s".format([x, x]) != x)',
    'self.all(x, int(x) > 1)',
    'self.all(x, bytes(x) != b"a")',
  ],
  [
    list(text, 10_000),
    'self.all(x, format.dns1123Label().validate(x).hasValue())',
    'self.all(x, x.size() > 1 ? x.contains("abcdefghijklmnopqrstuvwxyz") : x.startsWith("a"))',
  ],
  [
    list({ type: 'string', format: 'date-time' }, 10_000),
    'self.all(x, x > timestamp("2020-01-01T00:00:00Z"))',
    'self.all(x, x.getFullYear() > 2000)',
    'self.all(x, self.exists(y, x == y))',
  ],
  [list({ type: 'string', format: 'duration' }, 3_000), 'self.all(x, self.exists(y, x < y))'],
  [
    list({ type: 'string', format: 'byte', maxLength: 100 }, 3_000),
    'self.all(x, self.exists(y, x == y))',
  ],
  [
    list({ type: 'string', enum: ['first', 'second', 'third'] }, 3_000),
    'self.all(x, self.exists(y, x == y))',
  ],
  [
    list({ 'x-kubernetes-int-or-string': true }, 3_000),
    'self.all(x, type(x) == int || x == "a")',
    'self.all(x, type(x) == string ? string(x).matches("a+") : int(x) > 1)',
  ],
  [
    list(list(whole, 100), 100),
    'self.all(x, x.all(y, y > 0))',
    'self.all(x, x.all(y, self[0][1] == y && y in x))',
  ],
  [
    list(list(text, 100), 100),
    'self.all(x, x.all(y, y in x))',
    'self.all(x, self.all(z, x + z == z))',
  ],
  [
    list(pair, 1_000),
    'oldSelf.all(x, x in self)',
    'self == oldSelf',
    'self.size() >= oldSelf.size()',
  ],
  [
    list(pair, 1_000),
    'self.map(x, x.name).all(x, self.map(x, x.name).exists(y, x == y))',
    'self.all(x, -x.size < 3 && !(x.size > 3))',
  ],
  [
    list(text, 10_000),
    'sets.contains(self, ["a"])',
    'self.transformList(i, v, v).size() > 1',
    'self.exists(i, v, i > 1 && v == "a")',
    '{"a": self, "b": self}.size() == 2',
  ],
  [
    list(text, 2_000),
    'self.all(x, [x, x, x].exists(y, y == x))',
    'self.all(x, {"a": x}["a"] == x)',
  ],
  [map(map(whole)), 'self.all(k, self[k].all(l, self[k][l] > 1))'],
  [
    list(list(list(text, 10), 10), 10),
    'self.all(a, a.all(b, b.all(c, self.exists(d, d.exists(e, e.exists(f, f == c))))))',
  ],
  [
    list(
      {
        type: 'object',
        properties: {
          a: { ...text, 'x-kubernetes-validations': [{ rule: 'self.matches("^[a-z]+$")' }] },
        },
      },
      10_000,
    ),
    'self.size() > 1',
  ],
  [
    list({
      type: 'object',
      required: ['a'],
      properties: {
        a: {
          ...text,
          'x-kubernetes-validations': [
            { rule: 'self.matches("^[a-z]+$")', messageExpression: '"no " + self' },
          ],
        },
      },
    }),
    'self.size() > 1',
  ],
  [
    list(
      {
        type: 'object',
        properties: Object.fromEntries(
          ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'].map((name) => [
            name,
            {
              ...text,
              'x-kubernetes-validations': [
                { rule: `self.matches("^[a-z]+${'a'.repeat(5 * (name.charCodeAt(0) - 90))}$")` },
              ],
            },
          ]),
        ),
      },
      13_000,
    ),
    'self.size() > 1',
  ],
];

export function ruleCostDefinition(part: object, rules: readonly string[]): object {
  const ruled = { ...part, 'x-kubernetes-validations': rules.map((rule) => ({ rule })) };
  const openAPIV3Schema = {
    type: 'object',
    properties: { spec: { type: 'object', properties: { part: ruled } } },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'costs.cost.example.com' },
    spec: {
      group: 'cost.example.com',
      scope: 'Namespaced',
      names: { plural: 'costs', kind: 'Cost' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}
