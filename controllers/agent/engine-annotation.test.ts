import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StartError } from '../runtimes/runtime.ts';
import { podOf } from './agent-fixture.ts';
import { containerSecurity } from './container-security.ts';
import { ENGINE_ANNOTATION, engineOptionsOf } from './engine-annotation.ts';
import type { Pod } from './pod.ts';

function annotated(text: string): Pod {
  const pod = podOf({});
  return { ...pod, metadata: { ...pod.metadata, annotations: { [ENGINE_ANNOTATION]: text } } };
}

test('engineOptionsOf() reads every field', () => {
  const engine = {
    logDriver: { name: 'local', options: { 'max-size': '1m' } },
    init: true,
    ulimits: [{ name: 'nofile', soft: 1, hard: -1 }],
    devices: [{ hostPath: '/dev/fuse' }],
    deviceRequests: [{ driver: 'nvidia', count: -1, capabilities: [['gpu']] }],
    sharedMemory: '64Mi',
    stopSignal: 'SIGQUIT',
    imageHealthCheck: false,
    user: 'app:web',
  };
  assert.deepEqual(engineOptionsOf(annotated(JSON.stringify(engine))), {
    logDriver: engine.logDriver,
    init: true,
    ulimits: engine.ulimits,
    devices: [{ hostPath: '/dev/fuse', containerPath: '/dev/fuse', permissions: 'rwm' }],
    deviceRequests: [
      { driver: 'nvidia', count: -1, deviceIDs: [], capabilities: [['gpu']], options: {} },
    ],
    sharedMemoryBytes: 64 << 20,
    stopSignal: 'SIGQUIT',
    imageHealthCheck: false,
    user: 'app:web',
  });
  assert.deepEqual(engineOptionsOf(podOf({})), {});
  assert.deepEqual(engineOptionsOf(annotated('{"init":null}')), {});
});

for (const { text, message } of [
  { text: '{', message: /windlass\.dev\/engine: is not valid JSON/ },
  { text: '[]', message: /is \[\]: use an object/ },
  { text: '{"inti":true}', message: /field inti is no field of it: it has logDriver, init/ },
  { text: '{"init":"yes"}', message: /field init is "yes": use true or false/ },
  { text: '{"logDriver":{}}', message: /field logDriver\.name is missing/ },
  { text: '{"ulimits":[{"name":"nofile","soft":1.5}]}', message: /ulimits\[0\]\.soft is 1\.5/ },
  { text: '{"devices":[{"hostPath":"/d","permissions":"x"}]}', message: /use letters of rwm/ },
  { text: '{"sharedMemory":"much"}', message: /sharedMemory is "much": use a size such as 64Mi/ },
  { text: '{"stopSignal":"kill -9"}', message: /stopSignal is "kill -9"/ },
]) {
  test(`engineOptionsOf() refuses ${text}`, () => {
    assert.throws(
      () => engineOptionsOf(annotated(text)),
      (error) => {
        assert.ok(error instanceof StartError);
        assert.equal(error.reason, 'CreateContainerConfigError');
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('engineOptionsOf() answers any text with options or a StartError', () => {
  const names = ['logDriver', 'init', 'ulimits', 'devices', 'deviceRequests', 'sharedMemory'];
  const engines = fc.dictionary(fc.constantFrom(...names, 'stopSignal', 'user'), fc.jsonValue());
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        engines.map((engine) => JSON.stringify(engine)),
      ),
      (text) => {
        try {
          engineOptionsOf(annotated(text));
        } catch (error) {
          assert.ok(error instanceof StartError, String(error));
        }
      },
    ),
  );
});

test('containerSecurity() prefers what the container says over its Pod', () => {
  const pod = podOf({
    securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, runAsNonRoot: true },
  });
  const found = containerSecurity(pod, { name: 'c', securityContext: { runAsUser: 4 } });
  assert.deepEqual([found.user, found.group, found.supplementalGroups], [4, 2, [3]]);
  assert.equal(found.nonRoot, true);
  const seccompProfile = { type: 'Localhost', localhostProfile: 'x' };
  assert.throws(
    () => containerSecurity(pod, { name: 'c', securityContext: { seccompProfile } }),
    /Container c: the seccomp profile type "Localhost" is not supported/,
  );
});
