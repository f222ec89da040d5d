// HTTP that is redirected to HTTPS, as clients meet it: curl follows with method and body. From 80 to 443 without being asked for, from
// other ports where the Service says so.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { abruptService } from '../support/abrupt-service.ts';
import { runCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

/** Of this machine only, and nobody else's. */
const ADDRESS = '127.0.0.80';

async function missingPorts(): Promise<string | undefined> {
  if (spawnSync('curl', ['--version'], { stdio: 'ignore' }).status !== 0) return 'no curl';
  for (const port of [80, 443]) {
    const server = createServer().listen(port, ADDRESS);
    try {
      await once(server, 'listening');
    } catch (error) {
      return `port ${port} of ${ADDRESS} cannot be had: ${(error as Error).message}`;
    } finally {
      server.close();
    }
  }
  return undefined;
}

test(
  'HTTP is redirected to HTTPS with method, body, path and query, and what serves HTTP itself is not',
  needs(missingKubectl() ?? (await missingPorts())),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const windlass = await startWindlass(t, { dataDir, args: ['--ingress-bind', ADDRESS] });
    const kubectl = new Kubectl(windlass.kubeconfig, dataDir);
    const [http, https] = [await freePort(), await freePort()];
    /** Body, status and where it came from in the end. */
    const curl = async (url: string, ...flags: readonly string[]): Promise<string> => {
      const { port, protocol } = new URL(url);
      const usual = protocol === 'https:' ? '443' : '80';
      const ports = ['80', '443', String(http), String(https), port === '' ? usual : port];
      const resolve = ports.flatMap((one) =>
        ['app', 'other', 'plain'].flatMap((name) => [
          '--resolve',
          `${name}.example.com:${one}:${ADDRESS}`,
        ]),
      );
      const trust = ['--cacert', join(dataDir, 'pki', 'ca.crt')];
      const shown = ['-w', '%{http_code} %{url_effective} %{num_redirects}'];
      const args = ['-sS', '--noproxy', '*', ...trust, ...resolve, ...shown, ...flags, url];
      const { code, stdout, stderr } = await runCommand('curl', args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const apply = (name: string, ...ingress: readonly string[]): Promise<unknown> =>
      kubectl.apply(abruptService({ name, version: name, replicas: 1, ingress }));
    const entry = (port: number, protocol: string, host: string, more = ''): string =>
      `{port: ${port}, targetPort: http, protocol: ${protocol}, host: ${host}.example.com${more}}`;

    await apply('app', entry(443, 'HTTPS', 'app'));
    await apply('other', entry(https, 'HTTPS', 'other', `, redirectFrom: ${http}`));
    await apply('plain', entry(443, 'HTTPS', 'plain'), entry(80, 'HTTP', 'plain'));
    for (const name of ['app', 'other', 'plain'])
      await kubectl.ok(['wait', '--for=condition=Ready', `wsvc/${name}`, '--timeout=120s']);
    await eventually('from 80 to 443', async () =>
      assert.equal(
        await curl('http://app.example.com/a/b?c=d&e=%2F'),
        '308 http://app.example.com/a/b?c=d&e=%2F 0',
      ),
    );
    const followed = await curl('http://app.example.com/a?b=c', '-L', '-d', 'body');
    assert.match(followed, /^app app-\w+ body\n200 https:\/\/app\.example\.com\/a\?b=c 1$/);
    const moved = await curl(`http://other.example.com:${http}/x`, '-L', '-X', 'PUT', '-d', 'y');
    assert.match(
      moved,
      new RegExp(`^other other-\\w+ y\\n200 https://other\\.example\\.com:${https}/x 1$`),
    );
    const served = await curl('http://plain.example.com/', '-L');
    assert.match(served, /^plain plain-\w+ \n200 http:\/\/plain\.example\.com\/ 0$/);
    assert.match(await curl('http://other.example.com/'), /404 Not Found/);

    await apply('app', entry(443, 'HTTPS', 'app', ', redirectFrom: 0'));
    await eventually('no redirect any more', async () =>
      assert.match(await curl('http://app.example.com/'), /404 Not Found/),
    );
    assert.match(await curl('https://app.example.com/'), /^app app-/);
    const metrics = await kubectl.ok(['get', '--raw', '/metrics']);
    assert.match(
      metrics,
      /windlass_ingress_requests_total\{namespace="default",service="app",code="3xx"\} \d/,
    );
  },
);
