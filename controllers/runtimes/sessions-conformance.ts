// What every runtime must do for people at the other end: commands with pipes or a terminal, attachment, ports. Part of conformance.ts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import type { ExecOptions, RunningCommand } from './container-sessions.ts';
import type { ContainerSpec, Runtime } from './runtime.ts';

type SpecOf = (script: string, more?: Partial<ContainerSpec>) => ContainerSpec;
type Run = (
  title: string,
  body: (harness: { readonly runtime: Runtime }, spec: SpecOf) => Promise<void>,
) => void;

const { signal } = new AbortController();
const pipes = { stdin: false, stdout: true, stderr: true, tty: false };
const shell = (script: string, more: Partial<ExecOptions> = {}): ExecOptions => ({
  ...pipes,
  ...more,
  command: ['sh', '-c', script],
});

async function text(stream: Readable | undefined): Promise<string> {
  let whole = '';
  stream?.on('data', (bytes: Buffer) => {
    whole += bytes.toString('utf8');
  });
  if (stream !== undefined && !stream.readableEnded) await once(stream, 'close');
  return whole;
}

/** Until the output holds the words. */
async function upTo(stream: Readable | undefined, words: string): Promise<void> {
  let whole = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  stream?.on('data', (bytes: Buffer) => {
    whole += bytes.toString('utf8');
    if (whole.includes(words)) resolve();
  });
  await promise;
}

async function outcome(command: RunningCommand): Promise<readonly [string, string, number]> {
  return Promise.all([text(command.stdout), text(command.stderr), command.exited]);
}

export function sessionsConformance(run: Run): void {
  run('execs with separate outputs and an exit code', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('sleep 60', { env: { COLOUR: 'blue' } }), signal);
    const command = await runtime.sessions.exec(id, shell('echo $COLOUR; echo err >&2; exit 3'));
    assert.deepEqual(await outcome(command), ['blue\n', 'err\n', 3]);
    const killed = await runtime.sessions.exec(id, shell('kill -9 $$'));
    assert.deepEqual(await outcome(killed), ['', '', 137]);
  });

  run('execs with input up to its end, and megabytes of it', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('sleep 60'), signal);
    const command = await runtime.sessions.exec(id, { ...pipes, stdin: true, command: ['cat'] });
    const size = 5_000_000;
    command.stdin?.end(Buffer.alloc(size, 'x'));
    const [output, , code] = await outcome(command);
    assert.deepEqual([output.length, code], [size, 0]);
  });

  run('execs in a terminal that has the size it is given', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('sleep 60'), signal);
    const tty = { stdin: true, stdout: true, stderr: false, tty: true };
    const size = { width: 99, height: 33 };
    const script =
      'read line; stty size; echo ready; read line; stty size; echo "got $line"; exit 5';
    const command = await runtime.sessions.exec(id, shell(script, { ...tty, size }));
    let screen = '';
    command.stdout?.on('data', (bytes: Buffer) => (screen += bytes.toString('utf8')));
    command.stdin?.write('go\r');
    await upTo(command.stdout, 'ready');
    command.resize({ width: 120, height: 40 });
    // The shell reads when the new size is there; it tells by looking again.
    const look = await runtime.sessions.exec(id, shell('sleep 1'));
    await look.exited;
    command.stdin?.write('hello\r');
    assert.equal(await command.exited, 5);
    if (command.stdout?.closed === false) await once(command.stdout, 'close');
    assert.match(screen, /^go\r\n33 99\r\nready\r\n[^]*40 120\r\ngot hello\r\n/);
  });

  run('says which command it cannot find', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('sleep 60'), signal);
    const missing = { ...pipes, command: ['no-such-program-anywhere'] };
    await assert.rejects(async () => {
      const [output, errors, code] = await outcome(await runtime.sessions.exec(id, missing));
      if (code === 126 || code === 127) throw new Error(`${output}${errors}`);
    }, /no-such-program-anywhere.*(not found|no such file)/);
  });

  run('kills a command whose caller has left', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('sleep 60'), signal);
    const command = await runtime.sessions.exec(id, shell('echo up; exec sleep 4321'));
    await upTo(command.stdout, 'up');
    command.kill();
    await command.exited.catch(() => undefined);
    const list = `for p in /proc/[0-9]*/cmdline; do case "$(cat $p 2>/dev/null)" in sleep4321) echo alive;; esac; done`;
    for (;;) {
      const [found] = await outcome(await runtime.sessions.exec(id, shell(list)));
      if (found === '') break;
    }
  });

  run('attaches to what is written from now on', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('while :; do echo tick; sleep 0.1; done'), signal);
    const attached = await runtime.sessions.attach(id, pipes);
    await upTo(attached.stdout, 'tick\ntick\n');
    attached.kill();
  });

  run('lets go of who is attached when the container ends', async ({ runtime }, spec) => {
    const { id } = await runtime.run(spec('sleep 1; echo over'), signal);
    const attached = await runtime.sessions.attach(id, pipes);
    assert.deepEqual(await outcome(attached), ['over\n', '', 0]);
    await assert.rejects(
      runtime.sessions.attach(id, { ...pipes, stdin: true }),
      /cannot attach|ended/,
    );
  });

  run('reaches a port of the container', async ({ runtime }, spec) => {
    const port = 20_000 + (process.pid % 20_000);
    const ports = [{ containerPort: port, protocol: 'TCP' as const }];
    const serve = `busybox nc -l -p ${port} -e echo hello from inside`;
    const script = `while :; do ${serve} || { echo broken; sleep 1; }; done`;
    const { id } = await runtime.run(spec(script, { ports, env: { PORT: String(port) } }), signal);
    const { host, port: reached } = await runtime.sessions.endpoint(id, port);
    for (;;) {
      const socket = connect({ host, port: reached });
      socket.on('error', () => undefined);
      // Refused until the program listens.
      const answer = await text(socket).catch(() => '');
      if (answer === 'hello from inside\n') break;
    }
  });
}
