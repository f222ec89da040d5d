// Gives a command of the process runtime a terminal. Node cannot make one, so a program of this machine does: python3, which also
// takes each new size, or `script` of util-linux, whose terminal `stty` can size. Where neither is, the error says so.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TerminalSize } from './container-sessions.ts';

const run = promisify(execFile);

export interface TerminalCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /**
   * How file descriptor 3 is used: `sizes` are written to it, a line `rows columns` each, and its end is the end of the session; the
   * `name` of the terminal's device comes from it.
   */
  readonly control: 'sizes' | 'name';
}

export interface TerminalInput {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly size: TerminalSize | undefined;
}

export type TerminalMaker = (input: TerminalInput) => TerminalCommand;

const DEFAULT_SIZE: TerminalSize = { width: 80, height: 24 };

/** Copies between our pipes and the terminal; ends with the command's exit code, 128 + signal number when a signal ended it. */
const PYTHON = `
import errno, fcntl, os, pty, select, signal, struct, sys, termios
def size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', int(rows), int(columns), 0, 0))
child, terminal = pty.fork()
if child == 0:
    os.close(3)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        size(0, sys.argv[1], sys.argv[2])
        os.execvp(sys.argv[3], sys.argv[3:])
    except OSError as error:
        os.write(2, ('cannot run %s: %s\\r\\n' % (sys.argv[3], error.strerror)).encode())
        os._exit(127 if error.errno == errno.ENOENT else 126)
wake_in, wake_out = os.pipe()
for fd in (wake_in, wake_out, terminal):
    os.set_blocking(fd, False)
signal.set_wakeup_fd(wake_out)
signal.signal(signal.SIGCHLD, lambda *_: None)
keys, sizes, reading, status = b'', b'', True, None
def show():
    try:
        data = os.read(terminal, 65536)
    except BlockingIOError:
        return None
    except OSError:
        return False
    while data:
        data = data[os.write(1, data):]
    return True
try:
    while True:
        if status is None:
            done, found = os.waitpid(child, os.WNOHANG)
            status = found if done else None
        if status is not None:
            while show():
                pass
            break
        wanted = [3, wake_in, terminal] + ([0] if reading and len(keys) < 65536 else [])
        ready, writable, _ = select.select(wanted, [terminal] if keys else [], [])
        if wake_in in ready:
            os.read(wake_in, 512)
        if terminal in ready and show() is False:
            _, status = os.waitpid(child, 0)
            break
        if terminal in writable:
            try:
                keys = keys[os.write(terminal, keys):]
            except OSError:
                keys = b''
        if 0 in ready:
            data = os.read(0, 65536)
            reading = bool(data)
            keys += data or b'\\x04'
        if 3 in ready:
            data = os.read(3, 4096)
            if not data:
                raise BrokenPipeError()
            lines = (sizes + data).split(b'\\n')
            sizes = lines.pop()
            for line in lines[-1:]:
                size(terminal, *line.split())
except (BrokenPipeError, ConnectionError):
    os.killpg(child, signal.SIGHUP)
    os.killpg(child, signal.SIGKILL)
    sys.exit(129)
os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
`;

/** First in the shell that `script` starts: tells the terminal's name, sizes it, and becomes the command. */
const SHELL = 'tty >&3; exec 3>&-; stty rows "$1" cols "$2"; shift 2; exec "$@"';

const withPython: TerminalMaker = ({ command, environment, size = DEFAULT_SIZE }) => ({
  program: 'python3',
  args: ['-I', '-c', PYTHON, String(size.height), String(size.width), ...command],
  environment: withTerm(environment),
  control: 'sizes',
});

const withScript: TerminalMaker = ({ command, environment, size = DEFAULT_SIZE }) => {
  const words = ['sh', '-c', SHELL, 'sh', String(size.height), String(size.width), ...command];
  const { SHELL: shell } = environment;
  // `script` runs the text with SHELL, which may be one that quotes otherwise; the command has its own again.
  const restore = shell === undefined ? ['env', '-u', 'SHELL'] : ['env', `SHELL=${shell}`];
  return {
    program: 'script',
    args: [
      '--quiet',
      '--return',
      '--echo',
      'always',
      '--command',
      `exec ${[...restore, ...words].map(quote).join(' ')}`,
      '/dev/null',
    ],
    environment: { ...withTerm(environment), SHELL: '/bin/sh' },
    control: 'name',
  };
};

function withTerm(environment: Readonly<Record<string, string>>): Record<string, string> {
  return { TERM: 'xterm', ...environment };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** All ways, in the order in which they are tried, each with what shows that it works here. */
export const terminalMakers: readonly {
  readonly name: string;
  readonly make: TerminalMaker;
  readonly probe: readonly [string, readonly string[], RegExp];
}[] = [
  {
    name: 'python3',
    make: withPython,
    probe: ['python3', ['-I', '-c', 'import fcntl, pty, termios; print("works")'], /^works$/m],
  },
  { name: 'script', make: withScript, probe: ['script', ['--help'], /--echo/] },
];

const PROBE_LIMIT_MS = 10_000;

/** Finding out takes a while; what was found for a PATH stays. */
const found = new Map<string, TerminalMaker>();

/** @param path PATH of the command; @throws Error naming what is missing */
export async function findTerminalMaker(path: string): Promise<TerminalMaker> {
  const known = found.get(path);
  if (known !== undefined) return known;
  for (const { make, probe } of terminalMakers) {
    const [program, args, expected] = probe;
    try {
      const { stdout } = await run(program, args, { env: { PATH: path }, timeout: PROBE_LIMIT_MS });
      if (!expected.test(stdout)) continue;
      found.set(path, make);
      return make;
    } catch {
      // Not here, or of another kind: the next one.
    }
  }
  throw new Error(
    'cannot give the command a terminal: the process runtime needs python3 or script (of util-linux) for that and finds neither in PATH; install one on the node, or leave out -t',
  );
}
