// Waits until a command that goes on has said something: then it is under way.
import type { ChildProcess } from 'node:child_process';

/** @param child with pipes for what it says. @throws Error with its errors when it ends before it says anything */
export function firstOutput(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout?.once('data', () => resolve());
  child.once('error', reject);
  child.once('close', (code) =>
    reject(new Error(`it ended with ${code ?? 'a signal'} and said nothing\n${errors}`)),
  );
  return promise;
}
