import assert from 'node:assert/strict';
import { test } from 'node:test';

import { webhookURL } from './webhook-url.ts';

test('the path is joined as Go does it, and the port stays as it was configured', () => {
  const urls: readonly (readonly [configured: string, called: string])[] = [
    ['https://127.0.0.1:9443', 'https://127.0.0.1:9443/?timeout=2s'],
    ['https://127.0.0.1:9443/', 'https://127.0.0.1:9443/?timeout=2s'],
    ['https://127.0.0.1:9443//failing', 'https://127.0.0.1:9443/failing?timeout=2s'],
    ['https://hook.ns.svc:443/a/./b/../c/', 'https://hook.ns.svc:443/a/c?timeout=2s'],
  ];
  for (const [configured, called] of urls) assert.equal(webhookURL(configured, 1_500), called);
});
