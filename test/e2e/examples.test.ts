// The examples beside hello, run as their READMEs say: same files, real kubectl, real programs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { get as getSecured } from 'node:https';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { runCommand } from '../support/command.ts';
import type { CommandResult } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { launcher, projectRoot, startWindlass } from '../support/windlass.ts';

const examples = join(projectRoot, 'deploy', 'examples');

suite('examples', needs(missingKubectl()), () => {
  test('stop-first: an update never has two instances on the volume, and the number goes on', async (t) => {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const port = await freePort();
    const read = (name: string): string => readFileSync(join(examples, 'stop-first', name), 'utf8');
    const original = read('service.yaml');
    assert.match(original, /port: 8081/);
    const service = original.replace('port: 8081', `port: ${port}`);
    // One more at each answer, whichever instance gives it.
    let count = 0;
    const visit = async (unit: RegExp): Promise<void> => {
      const { body } = await httpGet(`http://127.0.0.1:${port}`);
      count += 1;
      assert.equal(Number.parseInt(body, 10), count, body);
      assert.match(body, unit);
    };

    await kubectl.apply(`${read('program.yaml')}---\n${service}`);
    await kubectl.ok(['wait', '--for=condition=Ready', 'wsvc/counter', '--timeout=120s']);
    await visit(/^1 visits$/m);
    assert.match(await kubectl.ok(['get', 'pvc']), /^counter-data +Bound /m);
    await visit(/^2 visits$/m);

    await kubectl.apply(service.replace('value: visits', 'value: guests'));
    await eventually('the new instance answers', () => visit(/^\d+ guests$/m));
    const [journal = ''] = globSync('node/**/journal', { cwd: dataDir });
    const entries = readFileSync(join(dataDir, journal), 'utf8').trim().split('\n');
    assert.deepEqual(
      entries.map((entry) => entry.split(' ')[0]),
      ['open', 'close', 'open'],
    );
  });

  test('ingress: two services share a host by path, over HTTP and HTTPS', async (t) => {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const [plain, secure] = [await freePort(), await freePort()];
    const read = (name: string): string => readFileSync(join(examples, 'ingress', name), 'utf8');
    const services = read('services.yaml');
    assert.equal(services.match(/port: (8082|8443)$/gm)?.length, 4);
    const moved = services
      .replaceAll('port: 8082', `port: ${plain}`)
      .replaceAll('port: 8443', `port: ${secure}`);
    await kubectl.apply(`${read('program.yaml')}---\n${moved}`);
    await kubectl.ok(['wait', '--for=condition=Ready', 'wsvc/shop', 'wsvc/cart', '--timeout=120s']);
    const ca = readFileSync(join(dataDir, 'pki', 'ca.crt'));
    const ask = async (scheme: 'http' | 'https', path: string): Promise<string> => {
      const port = scheme === 'http' ? plain : secure;
      const headers = { host: 'shop.localhost' };
      const options = {
        host: '127.0.0.1',
        port,
        path,
        headers,
        agent: false,
        ca,
        servername: 'shop.localhost',
      };
      const [response] = (await once(
        (scheme === 'http' ? get : getSecured)(options),
        'response',
      )) as [IncomingMessage];
      return (await response.setEncoding('utf8').toArray()).join('');
    };
    await eventually('all four routes', async () => {
      for (const scheme of ['http', 'https'] as const) {
        const told = `${scheme}://shop.localhost`;
        assert.equal(await ask(scheme, '/'), `shop: ${told}/ asked from 127.0.0.1\n`);
        assert.equal(await ask(scheme, '/cart/1'), `cart: ${told}/cart/1 asked from 127.0.0.1\n`);
      }
    });
  });

  test('names: one service asks the other by name, or by variables without root', async (t) => {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const port = await freePort();
    const read = (name: string): string => readFileSync(join(examples, 'names', name), 'utf8');
    await kubectl.apply(`${read('programs.yaml')}---\n${read('quotes.yaml')}`);
    await kubectl.ok(['wait', '--for=condition=Ready', 'wsvc/quotes', '--timeout=120s']);
    const front = read('front.yaml');
    assert.match(front, /port: 8083/);
    await kubectl.apply(front.replace('port: 8083', `port: ${port}`));
    await kubectl.ok(['wait', '--for=condition=Ready', 'wsvc/front', '--timeout=120s']);
    const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
    const way = isRoot ? 'by name' : 'by (name|variables)';
    const { body } = await httpGet(`http://127.0.0.1:${port}`);
    assert.match(body, new RegExp(`^${way}: well hauled, says quotes-`));
  });

  test('compose: the page asks the counter, and a variable changes the page only', async (t) => {
    const dataDir = join(tempDir(), 'data');
    await startWindlass(t, { dataDir });
    const [page, counter] = [await freePort(), await freePort()];
    const original = readFileSync(join(examples, 'compose', 'compose.yaml'), 'utf8');
    assert.match(original, /'8091:8000'/);
    assert.match(original, /'8092:8000'/);
    const folder = tempDir();
    writeFileSync(
      join(folder, 'compose.yaml'),
      original.replaceAll('8091', String(page)).replaceAll('8092', String(counter)),
    );
    const cli = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> =>
      runCommand('node', [launcher, ...args, '--data-dir', dataDir], {
        cwd: projectRoot,
        env: { ...process.env, ...env },
        timeoutMs: 60_000,
      });
    await eventually('the node is ready', async () => {
      assert.match((await cli(['status'])).stdout, /1 of 1 ready/);
    });
    // The folder, as the README has it.
    const deploy = ['deploy', '-f', folder, '--yes'];
    const first = await cli(deploy);
    assert.equal(first.code, 0, first.stderr);
    assert.ok(first.stdout.indexOf('counter is rolled') < first.stdout.indexOf('page is rolled'));
    const answer = async (): Promise<string> =>
      (await httpGet(`http://127.0.0.1:${page}`)).body.trim();
    assert.equal(await answer(), '1 visits');
    const guests = { WORD: 'guests' };
    assert.equal((await cli(['diff', '-f', folder], guests)).code, 1, 'there is a difference');
    const second = await cli([...deploy, 'page'], guests);
    assert.equal(second.code, 0, second.stderr);
    assert.equal(await answer(), '2 guests', 'the counter went on');
    assert.match((await cli(['history', 'page'])).stdout, /current/);
    const back = await cli(['rollback', 'page']);
    assert.equal(back.code, 0, back.stderr);
    await eventually('the page is back', async () => assert.match(await answer(), /visits/));
  });

  test('operator: the ConfigMap follows the Greeting, and goes with it', async (t) => {
    const dataDir = join(tempDir(), 'data');
    const up = await startWindlass(t, { dataDir, args: ['--no-node'] });
    const kubectl = new Kubectl(up.kubeconfig, dataDir);
    const folder = join(examples, 'operator');
    await kubectl.ok(['apply', '-f', join(folder, 'crd.yaml')]);
    await kubectl.ok(['wait', '--for=condition=Established', 'crd/greetings.example.com']);
    await kubectl.ok(['apply', '-f', join(folder, 'greeting.yaml')]);

    const operator = spawn('node', [launcher, '--exec', join(folder, 'operator.mjs')], {
      env: kubectl.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(operator, 'exit');
    t.after(async () => {
      operator.kill('SIGTERM');
      await ended;
    });
    let output = '';
    for (const stream of [operator.stdout, operator.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));

    const text = (): Promise<string> =>
      kubectl.ok(['get', 'cm', 'greeting-world', '-o', 'jsonpath={.data.text}']);
    await eventually('the ConfigMap is there', async () => {
      assert.equal(await text(), 'Hello, World! Hello, World!', output);
    });
    await kubectl.ok(['patch', 'greeting', 'world', '--type=merge', '-p', '{"spec":{"times":1}}']);
    await eventually('the ConfigMap follows', async () => {
      assert.equal(await text(), 'Hello, World!', output);
    });
    await eventually('the status says so', async () => {
      assert.match(await kubectl.ok(['get', 'greetings']), /^world +Hello, World!$/m);
    });
    const tooOften = '{"spec":{"times":99}}';
    const refused = await kubectl.run([
      'patch',
      'greeting',
      'world',
      '--type=merge',
      '-p',
      tooOften,
    ]);
    assert.match(refused.stderr, /spec\.times.*less than or equal to 10/);
    await kubectl.ok(['delete', 'greeting', 'world']);
    await eventually('the ConfigMap goes with its owner', async () => {
      assert.match((await kubectl.run(['get', 'cm', 'greeting-world'])).stderr, /not found/);
    });
    assert.doesNotMatch(output, /trying again|watch ended/);
  });
});
