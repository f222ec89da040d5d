import assert from 'node:assert/strict';
import { test } from 'node:test';

import { validateSysctls } from './sysctl-validation.ts';

const problems = (names: readonly string[], more: object = {}): readonly string[] =>
  validateSysctls(
    { ...more, securityContext: { sysctls: names.map((name) => ({ name, value: '1' })) } },
    'spec',
  ).map(({ field, message }) => `${field}: ${message}`);

test('names of parameters may have dots, slashes and dashes, and come once', () => {
  assert.deepEqual(
    problems(['kernel.shm_rmid_forced', 'net/ipv4/conf/eth0.1/x', 'safe-and-unsafe']),
    [],
  );
  const [dash, dots, twice, none, ...more] = problems(['foo-', 'bar..', 'a.b', 'a.b', '']);
  assert.match(dash ?? '', /sysctls\[0\]\.name: Invalid value: "foo-": must have at most 253/);
  assert.match(dots ?? '', /sysctls\[1\]\.name: Invalid value: "bar\.\."/);
  assert.match(twice ?? '', /sysctls\[3\]\.name: Duplicate value: "a\.b"/);
  assert.match(none ?? '', /sysctls\[4\]\.name: Required value/);
  assert.deepEqual(more, []);
  assert.equal(problems(['a'.repeat(254)]).length, 1);
});

test('what the machine shares with the Pod is not changed for the machine', () => {
  assert.deepEqual(problems(['net.core.somaxconn', 'kernel.sem']), []);
  assert.match(
    problems(['net/core/somaxconn'], { hostNetwork: true }).join('\n'),
    /may not be specified when 'hostNetwork' is true/,
  );
  assert.match(
    problems(['fs.mqueue.msg_max'], { hostIPC: true }).join('\n'),
    /may not be specified when 'hostIPC' is true/,
  );
  assert.deepEqual(problems(['kernel.sem'], { hostNetwork: true }), []);
});
