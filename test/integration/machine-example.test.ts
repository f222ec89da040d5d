// deploy/examples/machine as its file says, by the commands that it names, in a folder of the test.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { machineApply } from '#cli/commands/machine-apply.ts';
import { machinePlan } from '#cli/commands/machine-plan.ts';
import { machineStatus } from '#cli/commands/machine-status.ts';
import { machinePreflight } from '#cli/machine/operation-commands.ts';
import type { Command, CommandIO } from '#cli/command.ts';
import { MachineBench } from '../support/machine-bench.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

test('the example is applied, checked and upgraded by its commands', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const folder = tempDir();
  const example = join(projectRoot, 'deploy', 'examples', 'machine');
  await cp(join(example, 'image'), join(folder, 'image'), { recursive: true });
  await mkdir(bench.hostRoot, { recursive: true });
  const text = (await readFile(join(example, 'machine.yaml'), 'utf8'))
    .replaceAll('/tmp/windlass-machine/host', bench.hostRoot)
    .replaceAll('/tmp/windlass-machine', folder);
  const file = join(folder, 'machine.yaml');
  await writeFile(file, text);
  const run = async (command: Command, ...words: readonly string[]): Promise<string> => {
    const said: string[] = [];
    const io: CommandIO = {
      environment: {},
      out: (line) => void said.push(line),
      err: (line) => void said.push(line),
      columns: undefined,
      errIsTerminal: false,
      ask: undefined,
      readInput: () => Promise.resolve(''),
      stopSignal: () => bench.plane.signal,
    };
    const code = await command.main([...words, '--kubeconfig', bench.plane.kubeconfig], io);
    assert.equal(code, 0, said.join(''));
    return said.join('');
  };
  assert.match(await run(machinePlan, '-f', file), /\+ machine\/example {2}install 1 in slot a/);
  const applied = await run(machineApply, '-f', file);
  assert.match(applied, /machine\.windlass\.dev\/example created/);
  assert.match(applied, /✓ EnsureNSpawnWorkspace/);
  assert.equal(await bench.isRunning('example-a'), true);
  assert.match(await run(machinePreflight, 'example'), /oci-image-reachable/);
  await writeFile(file, text.replace("version: '1'", "version: '2'"));
  assert.match(await run(machinePlan, '-f', file), /~ machine\/example {2}upgrade 1 → 2 in slot b/);
  await run(machineApply, '-f', file);
  assert.match(await run(machineStatus, 'example'), /machine\/example {2}Ready, runs 2, slot b/);
  assert.match(await run(machinePlan, '-f', file), /nothing to do/);
});
