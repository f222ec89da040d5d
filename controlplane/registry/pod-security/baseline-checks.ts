// What the level `baseline` forbids. Which fields, which values and in which words are upstream's Pod Security Standards.
import { isObject, listAt, numberAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { SecurityCheck } from './check.ts';
import { containersText, plural, quoted, settersText, sorted } from './security-pod.ts';
import type { SecurityContainer, SecurityPod } from './security-pod.ts';

const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';

const CAPABILITIES: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

/** From which minor version on each may be set. */
const SYSCTLS: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

const SELINUX_TYPES: Readonly<Record<string, number>> = {
  '': 0,
  container_t: 0,
  container_init_t: 0,
  container_kvm_t: 0,
  container_engine_t: 31,
};

const addedCapabilities = ({ context }: SecurityContainer): string[] =>
  listAt(context, 'capabilities', 'add').map(String);

function appArmor({
  context,
  containers,
  annotations,
}: SecurityPod): ReturnType<SecurityCheck['run']> {
  const values: string[] = [];
  const isBad = (owner: unknown): boolean => {
    const type = stringAt(owner, 'appArmorProfile', 'type');
    if (type === '' || type === 'RuntimeDefault' || type === 'Localhost') return false;
    values.push(type);
    return true;
  };
  const setters = settersText(
    isBad(context),
    containers.filter((container) => isBad(container.context)),
  );
  const notes = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith(APP_ARMOR) && isForbiddenProfile(String(value)))
    .map(([key, value]) => `${key}="${String(value)}"`);
  if (values.length + notes.length === 0) return undefined;
  const all = [...sorted(values), ...sorted(notes)];
  const by = [setters, ...(notes.length > 0 ? [plural(notes.length, 'annotation')] : [])];
  return {
    reason: `forbidden AppArmor ${plural(all.length, 'profile')}`,
    detail: `${by.filter((one) => one !== '').join(' and ')} must not set AppArmor profile type to ${quoted(all)}`,
  };
}

function isForbiddenProfile(profile: string): boolean {
  return profile !== '' && profile !== 'runtime/default' && !profile.startsWith('localhost/');
}

function seLinux(
  { context, containers }: SecurityPod,
  minor: number,
): ReturnType<SecurityCheck['run']> {
  const types: string[] = [];
  const also = new Set<string>();
  const isBad = (owner: unknown): boolean => {
    const { type = '', user = '', role = '' } = objectAt(owner, 'seLinuxOptions');
    const since = Object.hasOwn(SELINUX_TYPES, String(type))
      ? SELINUX_TYPES[String(type)]
      : undefined;
    const isForbidden = since === undefined || since > minor;
    if (isForbidden) types.push(String(type));
    if (user !== '') also.add('user');
    if (role !== '') also.add('role');
    return isForbidden || user !== '' || role !== '';
  };
  const setters = settersText(
    isBad(context),
    containers.filter((container) => isBad(container.context)),
  );
  if (setters === '') return undefined;
  const forbidden = sorted(types);
  const parts = [
    ...(forbidden.length > 0 ? [`${plural(forbidden.length, 'type')} ${quoted(forbidden)}`] : []),
    ...['user', 'role'].filter((part) => also.has(part)).map((part) => `${part} may not be set`),
  ];
  return {
    reason: 'seLinuxOptions',
    detail: `${setters} set forbidden securityContext.seLinuxOptions: ${parts.join('; ')}`,
  };
}

/** Hosts that probes and hooks of a container are sent to. */
function hostsOf({ fields }: SecurityContainer): string[] {
  const handlers = [
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].map((probe) => objectAt(fields, probe)),
    ...['postStart', 'preStop'].map((hook) => objectAt(fields, 'lifecycle', hook)),
  ];
  return handlers
    .flatMap((handler) => ['httpGet', 'tcpSocket'].map((way) => stringAt(handler, way, 'host')))
    .filter((host) => host !== '');
}

/** In the order of upstream's identifiers, in which they are told. */
export const BASELINE_CHECKS: readonly SecurityCheck[] = [
  { id: 'appArmorProfile', run: appArmor },
  {
    id: 'capabilities_baseline',
    run({ containers }) {
      const isForbidden = (name: string): boolean => !CAPABILITIES.has(name);
      const bad = containers.filter((one) => addedCapabilities(one).some(isForbidden));
      if (bad.length === 0) return undefined;
      const names = sorted(bad.flatMap(addedCapabilities).filter(isForbidden));
      return {
        reason: 'non-default capabilities',
        detail: `${containersText(bad)} must not include ${quoted(names)} in securityContext.capabilities.add`,
      };
    },
  },
  {
    id: 'hostNamespaces',
    run({ spec }) {
      const shared = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true);
      if (shared.length === 0) return undefined;
      const detail = shared.map((field) => `${field}=true`).join(', ');
      return { reason: 'host namespaces', detail };
    },
  },
  {
    id: 'hostPathVolumes',
    run({ spec }) {
      const bad = listAt(spec, 'volumes').filter(
        (volume) => isObject(volume) && volume['hostPath'] !== undefined,
      );
      if (bad.length === 0) return undefined;
      const names = bad.map((volume) => stringAt(volume, 'name'));
      const detail = `${plural(bad.length, 'volume')} ${quoted(names)}`;
      return { reason: 'hostPath volumes', detail };
    },
  },
  {
    id: 'hostPorts',
    run({ containers }) {
      const portsOf = ({ fields }: SecurityContainer): string[] =>
        listAt(fields, 'ports')
          .map((port) => numberAt(port, 'hostPort'))
          .filter((port) => port !== 0)
          .map(String);
      const bad = containers.filter((one) => portsOf(one).length > 0);
      if (bad.length === 0) return undefined;
      const ports = sorted(bad.flatMap(portsOf));
      const verb = bad.length === 1 ? 'uses' : 'use';
      return {
        reason: 'hostPort',
        detail: `${containersText(bad)} ${verb} ${plural(ports.length, 'hostPort')} ${ports.join(', ')}`,
      };
    },
  },
  {
    id: 'hostProbesAndHostLifecycle',
    since: 34,
    run({ containers }) {
      const bad = containers.filter((one) => hostsOf(one).length > 0);
      if (bad.length === 0) return undefined;
      const hosts = sorted(bad.flatMap(hostsOf));
      const verb = bad.length === 1 ? 'uses' : 'use';
      return {
        reason: 'probe or lifecycle host',
        detail: `${containersText(bad)} ${verb} ${plural(hosts.length, 'probe or lifecycle host')} ${quoted(hosts)}`,
      };
    },
  },
  {
    id: 'privileged',
    run({ containers }) {
      const bad = containers.filter(({ context }) => context['privileged'] === true);
      if (bad.length === 0) return undefined;
      const detail = `${containersText(bad)} must not set securityContext.privileged=true`;
      return { reason: 'privileged', detail };
    },
  },
  {
    id: 'procMount',
    run({ containers }) {
      const mountOf = ({ context }: SecurityContainer): string =>
        stringAt(context, 'procMount') || 'Default';
      const bad = containers.filter((one) => mountOf(one) !== 'Default');
      if (bad.length === 0) return undefined;
      const detail = `${containersText(bad)} must not set securityContext.procMount to ${quoted(sorted(bad.map(mountOf)))}`;
      return { reason: 'procMount', detail };
    },
  },
  { id: 'seLinuxOptions', run: seLinux },
  {
    id: 'seccompProfile_baseline',
    run({ context, containers }) {
      const isBad = (owner: unknown): boolean =>
        stringAt(owner, 'seccompProfile', 'type') === 'Unconfined';
      const setters = settersText(
        isBad(context),
        containers.filter((one) => isBad(one.context)),
      );
      if (setters === '') return undefined;
      const detail = `${setters} must not set securityContext.seccompProfile.type to "Unconfined"`;
      return { reason: 'seccompProfile', detail };
    },
  },
  {
    id: 'sysctls',
    run({ context }, minor) {
      const names = listAt(context, 'sysctls').map((sysctl) => stringAt(sysctl, 'name'));
      const bad = names.filter((name) => {
        const since = Object.hasOwn(SYSCTLS, name) ? SYSCTLS[name] : undefined;
        return since === undefined || since > minor;
      });
      return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
    },
  },
  {
    id: 'windowsHostProcess',
    run({ context, containers }) {
      const isBad = (owner: unknown): boolean =>
        objectAt(owner, 'windowsOptions')['hostProcess'] === true;
      const setters = settersText(
        isBad(context),
        containers.filter((one) => isBad(one.context)),
      );
      if (setters === '') return undefined;
      const detail = `${setters} must not set securityContext.windowsOptions.hostProcess=true`;
      return { reason: 'hostProcess', detail };
    },
  },
];
