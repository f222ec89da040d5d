import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { parseImageReference } from '../machinery/image-reference.ts';
import { RequestError } from '../machinery/request-error.ts';
import { askHelper } from './credential-helper.ts';
import { findLogins } from './logins.ts';
import type { LoginsOptions } from './logins.ts';

const { signal } = new AbortController();
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const auths = (login: string): object => ({ auths: { 'r.io': { auth: base64(login) } } });

async function folder(config: unknown): Promise<string> {
  const path = tempDir();
  await writeFile(
    join(path, 'config.json'),
    typeof config === 'string' ? config : JSON.stringify(config),
  );
  return path;
}

async function helpers(script: string): Promise<{ readonly PATH: string; readonly LOG: string }> {
  const bin = join(tempDir(), 'bin');
  await mkdir(bin);
  const program = join(bin, 'docker-credential-test');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return { PATH: `${bin}:/usr/bin:/bin`, LOG: join(bin, 'log') };
}

function options(
  change: Partial<LoginsOptions>,
  secrets: Readonly<Record<string, string>> = {},
): LoginsOptions {
  return {
    client: {
      get<T extends ApiObject>(_: unknown, _namespace: string, name: string): Promise<T> {
        const text = secrets[name];
        if (text === undefined) return Promise.reject(new RequestError(404, 'NotFound', 'none'));
        const data = { '.dockerconfigjson': base64(text) };
        return Promise.resolve({ type: 'kubernetes.io/dockerconfigjson', data } as unknown as T);
      },
    },
    clock: systemClock,
    logger: silentLogger,
    dockerFolder: undefined,
    environment: {},
    ...change,
  };
}

async function found(
  given: LoginsOptions,
  names: readonly string[] = [],
): Promise<readonly string[]> {
  const secrets = { namespace: 'default', names };
  const logins = await findLogins(given, parseImageReference('r.io/a'), secrets, signal);
  return logins.map(
    ({ username, password, identityToken }) => `${username}:${identityToken ?? password}`,
  );
}

test('Secrets come before the Docker config; what is missing or broken is left out', async () => {
  const secrets = { good: JSON.stringify(auths('a:1')), broken: '{' };
  const dockerFolder = await folder(auths('b:2'));
  assert.deepEqual(await found(options({ dockerFolder }, secrets), ['none', 'broken', 'good']), [
    'a:1',
    'b:2',
  ]);
});

test('without a Docker config, or with a broken one, there are no logins of this machine', async () => {
  assert.deepEqual(await found(options({ dockerFolder: tempDir() })), []);
  assert.deepEqual(await found(options({ dockerFolder: await folder('{') })), []);
});

test('a credential helper is asked for the address', async () => {
  const environment = await helpers(
    `cat > "$LOG"; echo "$1" >> "$LOG"; echo '{"Username":"u","Secret":"s"}'`,
  );
  const dockerFolder = await folder({ ...auths('b:2'), credHelpers: { 'r.io': 'test' } });
  assert.deepEqual(await found(options({ dockerFolder, environment })), ['u:s']);
  assert.equal(await readFile(environment.LOG, 'utf8'), 'r.ioget\n');
});

test('a credential helper may give a refresh token, or know nothing', async () => {
  const token = await helpers(`echo '{"Username":"<token>","Secret":"t"}'`);
  assert.deepEqual(
    await askHelper('test', 'r.io', { clock: systemClock, environment: token }, signal),
    {
      username: '<token>',
      password: '',
      identityToken: 't',
    },
  );
  for (const script of [
    'echo credentials not found; exit 1',
    'echo not json',
    'echo "{}"',
    'yes x | head -c 200000',
  ]) {
    const environment = await helpers(script);
    assert.equal(
      await askHelper('test', 'r.io', { clock: systemClock, environment }, signal),
      undefined,
    );
  }
  const environment = await helpers('exit 1');
  const dockerFolder = await folder({ ...auths('b:2'), credsStore: 'test' });
  assert.deepEqual(await found(options({ dockerFolder, environment })), ['b:2']);
});

test('a credential helper that is missing is named, and the rollout goes on', async () => {
  const environment = { PATH: tempDir() };
  await assert.rejects(
    askHelper('gone', 'r.io', { clock: systemClock, environment }, signal),
    /^Error: Cannot ask docker-credential-gone for the login of r\.io: there is no such program in PATH$/,
  );
  const dockerFolder = await folder({ credsStore: 'gone' });
  assert.deepEqual(await found(options({ dockerFolder, environment })), []);
});

test('a credential helper that hangs is ended', async () => {
  const environment = await helpers('exec sleep 60');
  const fired: (() => void)[] = [];
  const clock = {
    ...systemClock,
    schedule: (_: number, callback: () => void) => {
      fired.push(callback);
      return () => undefined;
    },
  };
  const asked = askHelper('test', 'r.io', { clock, environment }, signal);
  fired[0]?.();
  await assert.rejects(asked, /gave no answer within 10 s/);
});
