import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldRows } from './field-rows.ts';

test('fieldRows() goes into lists and maps, and not into what is described elsewhere', () => {
  const text = { type: 'string' };
  const rows = fieldRows({
    properties: {
      kind: text,
      spec: {
        type: 'object',
        required: ['ports'],
        properties: {
          ports: {
            type: 'array',
            items: {
              type: 'object',
              properties: { protocol: { enum: ['TCP', 'UDP'], default: 'TCP' } },
            },
          },
          labels: { type: 'object', additionalProperties: text, description: 'Yours\n and ours.' },
          template: { type: 'object', properties: { spec: text } },
        },
      },
    },
  });
  assert.deepEqual(
    rows.map(({ path, type, text }) => `${path} (${type}) ${text}`.trim()),
    [
      'spec (object)',
      'spec.ports (list of object, required)',
      'spec.ports[].protocol (one of TCP, UDP, default `"TCP"`)',
      'spec.labels (map of string) Yours and ours.',
      'spec.template (object)',
    ],
  );
});
