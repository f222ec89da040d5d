// A host that can only be looked at: what checks get, so that none of them changes anything even by mistake.
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';

/** Programs that only say something, with the arguments that they may be given. */
const HARMLESS: readonly RegExp[] = [
  /^[\w./-]+ --(version|help)$/,
  /^df --output=avail --block-size=1 \/\S*$/,
  /^ldconfig -p$/,
  /^ss --listening --tcp --numeric --no-header$/,
  /^test -w \/\S*$/,
  /^nvidia-smi --list-gpus$/,
];

export function readOnlyHost(host: HostDriver): HostDriver {
  const refuse = (what: string) => (): Promise<never> =>
    Promise.reject(new HostCommandError(`${what}: a check may only look`));
  return {
    name: host.name,
    facts: (signal) => host.facts(signal),
    exec: (command, options) =>
      HARMLESS.some((pattern) => pattern.test(command.join(' ')))
        ? host.exec(command, options)
        : refuse(command[0] ?? 'exec')(),
    stat: (path, signal) => host.stat(path, signal),
    list: (path, signal) => host.list(path, signal),
    readFile: (path, signal, maxBytes) => host.readFile(path, signal, maxBytes),
    digest: (path, signal) => host.digest(path, signal),
    putFile: refuse('putFile'),
    rename: refuse('rename'),
    remove: refuse('remove'),
    services: {
      state: (unit, signal) => host.services.state(unit, signal),
      install: refuse('services.install'),
      uninstall: refuse('services.uninstall'),
      start: refuse('services.start'),
      stop: refuse('services.stop'),
    },
    // The host belongs to whoever gave it.
    [Symbol.asyncDispose]: async () => undefined,
  };
}
