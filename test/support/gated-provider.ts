// A persistence module for tests: a directory of segments of which some verbs do nothing before a file called `gate` exists, and say in
// another that they wait. What fills it is in the middle of that for as long as the test likes.
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { NfsPersistenceProvider } from '#persistence/nfs/provider.ts';
import type { LogPersistenceProvider } from '#persistence/provider.ts';
import { systemClock } from '#platform/clock.ts';

export function createProvider({
  folder = '',
  gate = '',
  verbs = '',
}: Readonly<Record<string, string>>): LogPersistenceProvider {
  const inner = new NfsPersistenceProvider({ paths: [folder], clock: systemClock });
  const gated = new Set<string | symbol>(verbs.split(','));
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (!gated.has(name)) return value.bind(target) as unknown;
      return async (...words: unknown[]): Promise<unknown> => {
        writeFileSync(`${gate}.reached`, '');
        while (!existsSync(gate)) await delay(50);
        return (await Reflect.apply(value, target, words)) as unknown;
      };
    },
  });
}
