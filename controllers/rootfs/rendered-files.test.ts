import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_DEVICES, nvidiaLibraries } from './devices.ts';
import { DEFAULT_IMAGE, goalContent, otherSlot, resolveGoal, resolveImage } from './goal-state.ts';
import type { ResolveInput } from './goal-state.ts';
import { nspawnFile, serviceOverride } from './nspawn-unit.ts';
import { osFiles } from './os-files.ts';

const FACTS = { arch: 'amd64', hostname: 'host', kernel: '6.1' };
const NODE = { name: 'w1', labels: {}, taints: [], apiServer: '' };
const GPU = { gpu: { devices: ['/dev/nvidia0'], libraryFolders: ['/usr/lib/x'] }, kvm: [] };

function goal(change: Partial<ResolveInput> = {}): ReturnType<typeof resolveGoal> {
  const base = { name: 'w1', slot: 'a', spec: {}, version: 'v1.33.5', node: NODE } as const;
  return resolveGoal({ ...base, facts: FACTS, devices: NO_DEVICES, ...change });
}

test('slots alternate [unbounded-015]', () => {
  assert.equal(otherSlot('a'), 'b');
  assert.equal(otherSlot('b'), 'a');
  assert.equal(goal({ slot: 'b' }).machineDirectory, '/var/lib/machines/w1-b');
});

test('an empty image means debootstrap, whatever the hardware [unbounded-018]', () => {
  assert.equal(resolveImage('', NO_DEVICES), '');
  assert.equal(resolveImage(' ', GPU), '');
  assert.equal(resolveImage('registry.test/x:1 ', GPU), 'registry.test/x:1');
});

test('without a word the image follows the hardware [unbounded-020]', () => {
  assert.equal(resolveImage(undefined, NO_DEVICES), DEFAULT_IMAGE);
  assert.equal(resolveImage(undefined, GPU), `${DEFAULT_IMAGE}-nvidia`);
});

test('libraries of the GPU driver: those of the architecture, one for each name [unbounded-021]', () => {
  const text = [
    '3 libs found in cache',
    '\tlibcuda.so.1 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libcuda.so.1',
    '\tlibcuda.so.1 (libc6,x86-64) => /opt/other/libcuda.so.1',
    '\tlibnvidia-ml.so.1 (libc6,AArch64) => /usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1',
    '\tlibc.so.6 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libc.so.6',
  ].join('\n');
  assert.deepEqual(nvidiaLibraries(text, 'amd64'), ['/usr/lib/x86_64-linux-gnu/libcuda.so.1']);
  assert.deepEqual(nvidiaLibraries(text, 'arm64'), [
    '/usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1',
  ]);
  assert.deepEqual(nvidiaLibraries('', 'amd64'), []);
});

test('the unit comes back by itself [unbounded-010]', () => {
  const text = serviceOverride(goal());
  assert.match(text, /^StartLimitIntervalSec=0$/m);
  assert.match(text, /^Restart=on-failure$/m);
  assert.match(text, /^RestartSec=10$/m);
  assert.match(text, /^ExecStartPre=-\/usr\/bin\/machinectl terminate w1-a$/m);
});

test('devices, libraries and mounts of the host are bound', () => {
  const mounts = [{ source: '/srv/a:b', target: '/data', readOnly: true }];
  const made = goal({ devices: { ...GPU, kvm: ['/dev/kvm'] }, spec: { mounts } });
  const text = nspawnFile(made);
  assert.match(text, /^Bind=\/dev\/kvm$/m);
  assert.match(text, /^Bind=\/dev\/nvidia0$/m);
  assert.match(text, /^BindReadOnly=\/usr\/lib\/x:\/run\/host-nvidia\/0$/m);
  assert.match(text, /^BindReadOnly=\/srv\/a\\:b:\/data$/m);
  assert.match(serviceOverride(made), /^DeviceAllow=\/dev\/nvidia0 rwm$/m);
});

test('a mirror is the only source of packages [unbounded-014]', () => {
  const sources = (spec: object, arch = 'amd64'): string =>
    osFiles(goal({ spec, facts: { ...FACTS, arch } })).find(
      ({ path }) => path === 'etc/apt/sources.list',
    )?.content ?? '';
  const lines = sources({ aptMirror: 'http://mirror.test/ubuntu/' }).trim().split('\n');
  assert.equal(lines.length, 4);
  assert.ok(lines.every((line) => line.startsWith('deb http://mirror.test/ubuntu noble')));
  assert.match(sources({}), /archive\.ubuntu\.com/);
  assert.match(sources({}, 'arm64'), /ports\.ubuntu\.com/);
});

test('labels, slot and kernel build no root anew, the rest does [unbounded-030]', () => {
  const text = (change: Partial<ResolveInput>): string => JSON.stringify(goalContent(goal(change)));
  const base = text({});
  assert.equal(text({ slot: 'b' }), base);
  assert.equal(text({ node: { ...NODE, labels: { a: 'b' } } }), base);
  assert.equal(text({ facts: { ...FACTS, kernel: '6.9' } }), base);
  assert.equal(text({ version: '1.33.5' }), base, 'with and without v');
  assert.notEqual(text({ version: '1.33.6' }), base);
  assert.notEqual(text({ node: { ...NODE, apiServer: 'https://x.test' } }), base);
  assert.notEqual(text({ spec: { image: 'registry.test/other:1' } }), base);
});

test('what cannot be built is refused by field [unbounded-041]', () => {
  assert.throws(() => goal({ version: undefined }), /spec\.version: a machine with spec\.node/);
  assert.throws(() => goal({ version: 'newest' }), /spec\.version: "newest" is no version/);
  assert.throws(
    () => goal({ facts: { ...FACTS, arch: 'riscv64' } }),
    /unsupported architecture "riscv64"/,
  );
});
