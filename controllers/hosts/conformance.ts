// What every host driver must do, as tests over a factory. A new driver adds a test file that calls this.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { HostDriver } from './host-driver.ts';
import { DigestMismatchError, HostCommandError } from './host-errors.ts';
import { sha256 } from './host-content.ts';
import { until } from './host-harness.ts';
import type { HostHarness } from './host-harness.ts';
import { servicesConformance } from './services-conformance.ts';

export type TestFunction = (name: string, run: (context: TestContext) => Promise<void>) => unknown;

export interface ConformanceOptions {
  readonly test: TestFunction;
  readonly name: string;
  /** What it opens is closed by hooks of the test. */
  readonly open: (context: TestContext) => Promise<HostHarness>;
}

const { signal } = new AbortController();

async function textOf(host: HostDriver, path: string): Promise<string | undefined> {
  const content = await host.readFile(path, signal);
  return content && Buffer.from(content).toString('utf8');
}

export function hostConformance({ test, name, open }: ConformanceOptions): void {
  const each = (what: string, run: (harness: HostHarness) => Promise<void>): unknown =>
    test(`${name}: ${what}`, async (context) => run(await open(context)));

  each(
    'a command gets its arguments, input and environment as they are',
    async ({ host, commands }) => {
      const odd = ['a b', '', "it's", '"$HOME"', '$(id)', 'ä\n€', '*', '-n', '\\'];
      const printed = await host.exec([...commands.printArguments, ...odd], { signal });
      assert.deepEqual(printed, {
        exitCode: 0,
        stdout: odd.map((arg) => `${arg}\n`).join(''),
        stderr: '',
      });
      const copied = await host.exec(commands.copyInput, { signal, stdin: 'one\ntwo $x\n' });
      assert.equal(copied.stdout, 'one\ntwo $x\n');
      const environment = { GREETING: 'hello "you" $HOME' };
      const { stdout } = await host.exec(commands.printEnvironment, { signal, environment });
      assert.match(stdout, /^GREETING=hello "you" \$HOME$/m);
    },
  );

  each(
    'an exit code is an answer, and so is a program that is not there',
    async ({ host, commands }) => {
      assert.equal((await host.exec(commands.exitWith3, { signal })).exitCode, 3);
      const absent = await host.exec(['no-such-program-here'], { signal });
      assert.equal(absent.exitCode, 127);
      assert.match(absent.stderr, /no-such-program-here/);
      await assert.rejects(host.exec([], { signal }), HostCommandError);
    },
  );

  each('output is bounded, and what was cut is said', async ({ host, commands }) => {
    const { exitCode, stdout } = await host.exec(commands.flood, { signal });
    assert.equal(exitCode, 0);
    assert.ok(stdout.length >= 1 << 20 && stdout.length < (1 << 20) + 100, `${stdout.length}`);
    assert.match(stdout.slice(-100), /\[\d+ more bytes were cut\]\n$/);
  });

  each(
    'a command that takes too long is killed and answers 124',
    async ({ host, commands, isHanging }) => {
      const result = await host.exec(commands.hang, { signal, timeoutMs: 300 });
      assert.equal(result.exitCode, 124);
      assert.match(result.stderr, /killed: it ran longer than 300 ms/);
      await until(async () => !(await isHanging()));
    },
  );

  each(
    'an abort ends the call with its reason, and the command',
    async ({ host, commands, isHanging }) => {
      const stopping = new AbortController();
      const running = host.exec(commands.hang, { signal: stopping.signal });
      const reason = new Error('enough');
      const rejected = assert.rejects(running, (error) => error === reason);
      await until(isHanging);
      stopping.abort(reason);
      await rejected;
      await until(async () => !(await isHanging()));
      await assert.rejects(
        host.exec(commands.printArguments, { signal: stopping.signal }),
        (error) => error === reason,
      );
    },
  );

  each('a file is put with its folders, mode and time, and read back', async ({ host, base }) => {
    const path = `${base}/etc/deep/a file`;
    const modifiedMillis = 1_700_000_000_000;
    const digest = await host.putFile(path, 'hello\n', { signal, mode: 0o640, modifiedMillis });
    assert.equal(digest, sha256('hello\n'));
    assert.deepEqual(await host.stat(path, signal), {
      kind: 'file',
      size: 6,
      mode: 0o640,
      modifiedMillis,
    });
    assert.equal((await host.stat(`${base}/etc/deep`, signal))?.mode, 0o755);
    assert.equal(await textOf(host, path), 'hello\n');
    assert.equal(await host.digest(path, signal), digest);
    assert.deepEqual(await host.list(`${base}/etc/deep`, signal), ['a file']);
    await host.putFile(path, '', { signal });
    assert.equal((await host.stat(path, signal))?.mode, 0o644);
    assert.equal(await textOf(host, path), '');
  });

  each('content may be a stream of any size', async ({ host, base }) => {
    const piece = Buffer.alloc(700_001, 'windlass');
    const whole = Buffer.concat([piece, piece, piece]);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 3; count++) yield piece;
    }
    const path = `${base}/large`;
    assert.equal(
      await host.putFile(path, pieces(), { signal, sha256: sha256(whole) }),
      sha256(whole),
    );
    assert.equal(await host.digest(path, signal), sha256(whole));
    await assert.rejects(host.readFile(path, signal), /2100003 bytes, more than 1048576/);
    assert.deepEqual(Buffer.from((await host.readFile(path, signal, 3_000_000)) ?? []), whole);
  });

  each(
    'a wrong digest, a broken source or an abort leaves the old file and nothing else',
    async ({ host, base }) => {
      const path = `${base}/program`;
      await host.putFile(path, 'old', { signal, mode: 0o755 });
      const wanted = sha256('other');
      await assert.rejects(host.putFile(path, 'new', { signal, sha256: wanted }), (error) => {
        assert.ok(error instanceof DigestMismatchError, String(error));
        assert.deepEqual([error.wanted, error.found], [wanted, sha256('new')]);
        return true;
      });
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('ne');
        throw new Error('the source ended early');
      }
      await assert.rejects(host.putFile(path, broken(), { signal }), /the source ended early/);
      const stopping = new AbortController();
      async function* stopped(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('ne');
        stopping.abort(new Error('enough'));
        yield Buffer.from('w');
      }
      await assert.rejects(host.putFile(path, stopped(), { signal: stopping.signal }), /enough/);
      assert.equal(await textOf(host, path), 'old');
      assert.equal((await host.stat(path, signal))?.mode, 0o755);
      assert.deepEqual(await host.list(base, signal), ['program']);
    },
  );

  each('two writers of one file at once: one of them wins whole', async ({ host, base }) => {
    const path = `${base}/contested`;
    const [left, right] = [Buffer.alloc(300_000, 'l'), Buffer.alloc(300_000, 'r')];
    await Promise.all([
      host.putFile(path, left, { signal }),
      host.putFile(path, right, { signal }),
    ]);
    const found = Buffer.from((await host.readFile(path, signal)) ?? []);
    assert.ok(found.equals(left) || found.equals(right));
    assert.deepEqual(await host.list(base, signal), ['contested']);
  });

  each('nothing there is an answer, a folder in the way is an error', async ({ host, base }) => {
    const path = `${base}/absent/x`;
    assert.equal(await host.stat(path, signal), undefined);
    assert.equal(await host.list(path, signal), undefined);
    assert.equal(await host.readFile(path, signal), undefined);
    assert.equal(await host.digest(path, signal), undefined);
    await host.remove(path, signal);
    await assert.rejects(host.rename(path, `${base}/y`, signal), HostCommandError);
    await host.putFile(`${base}/folder/file`, 'x', { signal });
    await assert.rejects(host.readFile(`${base}/folder`, signal), HostCommandError);
    await assert.rejects(host.putFile(`${base}/folder`, 'x', { signal }), HostCommandError);
    await assert.rejects(
      host.putFile(`${base}/folder/file/below`, 'x', { signal }),
      HostCommandError,
    );
    assert.deepEqual(await host.list(base, signal), ['folder']);
  });

  each('rename replaces, remove takes all below', async ({ host, base }) => {
    await host.putFile(`${base}/a`, 'a', { signal });
    await host.putFile(`${base}/b`, 'b', { signal });
    await host.rename(`${base}/a`, `${base}/b`, signal);
    assert.equal(await textOf(host, `${base}/b`), 'a');
    await host.putFile(`${base}/tree/x/y`, 'y', { signal });
    await host.rename(`${base}/tree`, `${base}/moved`, signal);
    assert.equal(await textOf(host, `${base}/moved/x/y`), 'y');
    await host.remove(`${base}/moved`, signal);
    assert.deepEqual(await host.list(base, signal), ['b']);
  });

  each(
    'a link is a link to stat and remove, and its file to read',
    async ({ host, base, link }) => {
      await host.putFile(`${base}/real`, 'content', { signal });
      await link(`${base}/link`, 'real');
      assert.equal((await host.stat(`${base}/link`, signal))?.kind, 'link');
      assert.equal(await textOf(host, `${base}/link`), 'content');
      await host.putFile(`${base}/link`, 'own', { signal });
      assert.equal(await textOf(host, `${base}/real`), 'content');
      await link(`${base}/again`, 'real');
      await host.remove(`${base}/again`, signal);
      assert.deepEqual(await host.list(base, signal), ['link', 'real']);
    },
  );

  each('paths that are not absolute and plain are refused', async ({ host, base }) => {
    for (const path of [
      'relative',
      '',
      `${base}/../x`,
      `${base}//x`,
      `${base}/x/`,
      '/a\0b',
      '/./a',
    ]) {
      await assert.rejects(host.stat(path, signal), HostCommandError, path);
      await assert.rejects(host.putFile(path, 'x', { signal }), HostCommandError, path);
      await assert.rejects(host.remove(path, signal), HostCommandError, path);
    }
    await assert.rejects(host.remove('/', signal), HostCommandError);
  });

  each('an aborted signal ends every call', async ({ host, base }) => {
    const reason = new Error('too late');
    const late = AbortSignal.abort(reason);
    const same = (error: unknown): boolean => error === reason;
    await assert.rejects(host.facts(late), same);
    await assert.rejects(host.stat(base, late), same);
    await assert.rejects(host.list(base, late), same);
    await assert.rejects(host.readFile(`${base}/x`, late), same);
    await assert.rejects(host.digest(`${base}/x`, late), same);
    await assert.rejects(host.putFile(`${base}/x`, 'x', { signal: late }), same);
    await assert.rejects(host.rename(`${base}/x`, `${base}/y`, late), same);
    await assert.rejects(host.remove(`${base}/x`, late), same);
    assert.deepEqual(await host.list(base, signal), []);
  });

  each('facts say what the host is', async ({ host }) => {
    const facts = await host.facts(signal);
    assert.equal(facts.os, 'linux');
    assert.match(facts.arch, /^(amd64|arm64|arm|386|riscv64|ppc64le|s390x)$/);
    assert.ok(facts.hostname.length > 0);
    assert.ok(facts.kernel.length > 0);
    assert.ok(Number.isFinite(facts.clockMillis));
    assert.ok(facts.addresses.every((address) => !address.startsWith('127.') && address !== '::1'));
    assert.deepEqual(await host.facts(signal).then(({ machineId }) => machineId), facts.machineId);
  });

  servicesConformance(each);
}
