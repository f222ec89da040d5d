import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findDevices, NO_DEVICES } from './devices.ts';
import { openBench } from './rootfs-fixture.ts';

test('a host is asked for KVM and GPUs; a folder without them has none', async () => {
  await using bench = await openBench();
  const { signal } = new AbortController();
  assert.deepEqual(await findDevices(bench.host, signal), NO_DEVICES);
  const dev = join(bench.hostRoot, 'dev');
  await mkdir(dev);
  for (const name of ['kvm', 'nvidiactl', 'null']) await writeFile(join(dev, name), '');
  assert.deepEqual(await findDevices(bench.host, signal), { ...NO_DEVICES, kvm: ['/dev/kvm'] });
  await writeFile(join(dev, 'nvidia0'), '');
  const { gpu } = await findDevices(bench.host, signal);
  assert.deepEqual(gpu.devices, ['/dev/nvidia0', '/dev/nvidiactl']);
});
