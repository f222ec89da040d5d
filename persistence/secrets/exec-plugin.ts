// Speaks with a key plugin, a program of the user's: one process per question, one JSON document to its standard input, one
// from its standard output. docs/secrets.md is its contract. What it answers is never logged and never in an error.
import { spawn } from 'node:child_process';
import type { Clock } from '#platform/clock.ts';
import { SecretsKeyError } from './secrets-key.ts';

export const PLUGIN_API = 'windlass.dev/secrets-key/v1';
const DEADLINE_MS = 10_000;
const LIMIT_BYTES = 64 << 10;

export interface PluginOptions {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

export type PluginQuestion =
  | { readonly operation: 'wrap'; readonly plaintext: string }
  | { readonly operation: 'unwrap'; readonly ciphertext: string };

/**
 * @param answerField the one field that the answer must have beside apiVersion, in base64
 * @returns the bytes in it
 * @throws SecretsKeyError
 */
export async function askPlugin(
  options: PluginOptions,
  question: PluginQuestion,
  answerField: 'plaintext' | 'ciphertext',
): Promise<Buffer> {
  const { operation } = question;
  const [program = ''] = options.command;
  const ended = new AbortController();
  const cancel = options.clock.schedule(DEADLINE_MS, () => ended.abort());
  const failed = (why: string, cause?: unknown): SecretsKeyError =>
    new SecretsKeyError(`Cannot ${operation} a secrets key: the plugin ${program} ${why}`, {
      cause,
    });
  try {
    const { code, signal, output, complaint } = await run(options, question, ended.signal);
    if (code !== 0) {
      const how = code === null ? `was ended by ${signal ?? 'a signal'}` : `exited with ${code}`;
      throw failed(`${how}${complaint === '' ? '' : `: ${complaint}`}`);
    }
    const bytes = answerOf(output, answerField);
    if (typeof bytes === 'string') throw failed(bytes);
    return bytes;
  } catch (error) {
    if (error instanceof SecretsKeyError) throw error;
    if (ended.signal.aborted) throw failed(`gave no answer within ${DEADLINE_MS / 1_000} s`, error);
    const code = (error as NodeJS.ErrnoException).code ?? 'for an unknown reason';
    throw failed(`cannot be run: ${code === 'ENOENT' ? 'there is no such program' : code}`, error);
  } finally {
    cancel();
  }
}

interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: Buffer;
  /** The last line of its standard error, without anything that could be a key. */
  readonly complaint: string;
}

function run(
  { command, environment }: PluginOptions,
  question: PluginQuestion,
  signal: AbortSignal,
): Promise<Run> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    const output = gather(child.stdout, () => child.kill('SIGKILL'));
    const complaint = gather(child.stderr, () => undefined);
    child.once('error', reject);
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify({ apiVersion: PLUGIN_API, ...question })}\n`);
    const done = (code: number | null, ended: NodeJS.Signals | null): void =>
      resolve({ code, signal: ended, output: output(), complaint: lastLine(complaint()) });
    child.once('close', done);
    // A process that it left behind may hold the pipes; the answer counts only with the plugin's own end.
    signal.addEventListener('abort', () => {
      child.stdout.destroy();
      child.stderr.destroy();
    });
  });
}

function gather(stream: NodeJS.ReadableStream, tooMuch: () => void): () => Buffer {
  const parts: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes <= LIMIT_BYTES) parts.push(part);
    else tooMuch();
  });
  return () => (bytes > LIMIT_BYTES ? Buffer.alloc(0) : Buffer.concat(parts));
}

function lastLine(text: Buffer): string {
  const line = text.toString('utf8').trimEnd().split('\n').at(-1) ?? '';
  return line
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(/[A-Za-z0-9+/=_-]{32,}/g, '…')
    .slice(0, 300);
}

/** The bytes, or what is wrong with the answer. */
function answerOf(output: Buffer, field: 'plaintext' | 'ciphertext'): Buffer | string {
  let value: unknown;
  try {
    value = JSON.parse(output.toString('utf8'));
  } catch {
    return 'answered with something that is not one JSON document';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'answered with JSON that is no object';
  const answer = value as Readonly<Record<string, unknown>>;
  if (answer['apiVersion'] !== PLUGIN_API) return `must answer with apiVersion ${PLUGIN_API}`;
  const extra = Object.keys(answer).find((name) => name !== 'apiVersion' && name !== field);
  if (extra !== undefined) return `answered with a field that is not in the protocol`;
  const encoded = answer[field];
  if (typeof encoded !== 'string') return `must answer with ${field} as a string`;
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded ? bytes : `must answer with ${field} in base64`;
}
