import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leftOver } from './sweep-machines.ts';

test('only what has our names and belongs to a process that is gone is taken away', () => {
  const found = leftOver(
    {
      namespaces: ['wln100x0', 'wln200x1', 'wlnx0', 'mine', 'wln100x0-of-mine'],
      links: [
        'wlb100',
        'wlb200',
        'wlv100x1',
        'wlv200x1',
        'docker0',
        'lo',
        'wlb',
        'wlb100a',
        'wlv100',
      ],
      rules: [
        '-P FORWARD DROP',
        '-A FORWARD -i wlb100 -o wlb100 -j ACCEPT',
        '-A FORWARD -i wlb200 -o wlb200 -j ACCEPT',
        '-A FORWARD -i docker0 -o docker0 -j ACCEPT',
        '-A FORWARD -s 10.0.0.0/8 -i wlb100 -o wlb100 -j ACCEPT',
      ],
    },
    (pid) => pid === 200,
  );
  assert.deepEqual(found, {
    namespaces: ['wln100x0'],
    links: ['wlb100', 'wlv100x1', 'wlv100'],
    rules: ['FORWARD -i wlb100 -o wlb100 -j ACCEPT'],
  });
});
