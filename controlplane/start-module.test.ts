// A whole server over a provider that comes from a file, as somebody else's would.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { CONFIG_MAPS, agentOf, call, configMap, testOptions } from './control-plane-fixture.ts';
import { startControlPlane } from './start.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'windlass-start-module-'));
after(() => rmSync(folder, { recursive: true }));

async function serve(url: string) {
  const plane = await startControlPlane(
    testOptions(path.join(folder, 'data'), { persistence: [url] }),
    new AbortController().signal,
  );
  const admin = await agentOf(plane.adminKubeconfig);
  const ask = (method: string, where: string, body?: unknown) =>
    call(plane.url, admin, method, where, body);
  return {
    ask,
    stop: async () => {
      admin.destroy();
      await plane.close();
    },
  };
}

test('a server keeps its state with the provider of a module', async () => {
  const module = path.join(folder, 'provider.mjs');
  const ours = (file: string): string =>
    JSON.stringify(path.join(import.meta.dirname, '..', ...file.split('/')));
  writeFileSync(
    module,
    `import { SqlitePersistenceProvider } from ${ours('persistence/sqlite/provider.ts')};
     import { systemClock } from ${ours('platform/clock.ts')};
     export const createProvider = ({ file }) =>
       new SqlitePersistenceProvider({ paths: [file], clock: systemClock });`,
  );
  const url = `module:${module}?file=${encodeURIComponent(path.join(folder, 'their.db'))}`;
  const first = await serve(url);
  assert.equal((await first.ask('POST', CONFIG_MAPS, configMap('kept'))).code, 201);
  assert.match(
    (await first.ask('GET', '/metrics')).text,
    /windlass_persistence_instance_up\{provider="module",instance="sqlite-[0-9a-f]{8}"\} 1/,
  );
  await first.stop();
  const again = await serve(url);
  assert.equal((await again.ask('GET', `${CONFIG_MAPS}/kept`)).code, 200);
  await again.stop();
});

test('a provider without a log is refused as the primary, without its parameters in the message', async () => {
  const example = path.join(
    import.meta.dirname,
    '../deploy/examples/persistence-provider/files-provider.mjs',
  );
  await assert.rejects(serve(`module:${example}?folder=hunter2`), (error: Error) => {
    assert.equal(error.name, 'PersistenceUrlError');
    assert.match(error.message, /files-provider\.mjs\?…: .*cannot be the primary/);
    assert.ok(!error.message.includes('hunter2'));
    return true;
  });
});
