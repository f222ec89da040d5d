// What a process of this machine is not given of all that a Pod may ask for. Pure.
import { constants } from 'node:os';
import { StartError } from './runtime.ts';
import type { ContainerSpec } from './runtime.ts';

/** Names of the fields that ask for something that processes are run without. */
export function ignoredFields({ resources, security, engine, sandbox }: ContainerSpec): string[] {
  const asked: readonly (readonly [string, boolean])[] = [
    [
      'resources.limits',
      resources.cpuLimitMillis !== undefined || resources.memoryLimitBytes !== undefined,
    ],
    ['securityContext.privileged', security.privileged],
    [
      'securityContext.capabilities',
      security.addCapabilities.length + security.dropCapabilities.length > 0,
    ],
    ['securityContext.runAsUser', isOther(security.user, process.getuid?.())],
    ['securityContext.runAsGroup', isOther(security.group, process.getgid?.())],
    ['securityContext.supplementalGroups', security.supplementalGroups.length > 0],
    ['securityContext.runAsNonRoot', security.nonRoot && process.getuid?.() === 0],
    ['securityContext.readOnlyRootFilesystem', security.readOnlyRoot],
    ['securityContext.allowPrivilegeEscalation', security.noNewPrivileges],
    ['securityContext.sysctls', Object.keys(sandbox.spec.sysctls).length > 0],
    ['hostAliases', sandbox.spec.hostAliases.length > 0],
    ['engine.logDriver', engine.logDriver !== undefined],
    ['engine.init', engine.init === true],
    ['engine.ulimits', (engine.ulimits ?? []).length > 0],
    ['engine.devices', (engine.devices ?? []).length > 0],
    ['engine.deviceRequests', (engine.deviceRequests ?? []).length > 0],
    ['engine.sharedMemory', engine.sharedMemoryBytes !== undefined],
    ['engine.user', engine.user !== undefined],
  ];
  return asked.filter(([, is]) => is).map(([name]) => name);
}

function isOther(asked: number | undefined, own: number | undefined): boolean {
  return asked !== undefined && asked !== own;
}

/** What a process is stopped with. @throws StartError for one that this machine does not know */
export function stopSignalOf({ engine, identity }: ContainerSpec): NodeJS.Signals | undefined {
  if (engine.stopSignal === undefined) return undefined;
  const name = engine.stopSignal.startsWith('SIG') ? engine.stopSignal : `SIG${engine.stopSignal}`;
  if (isSignal(name)) return name;
  throw new StartError(
    'CreateContainerConfigError',
    `Container ${identity.container}: this machine knows no signal ${engine.stopSignal}; use a name such as SIGQUIT`,
  );
}

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}
