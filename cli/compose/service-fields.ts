// The fields of a Compose service: those that are carried over, and what happens instead of those that are not.
import type { Field } from './field.ts';

const CARRIED = [
  'annotations',
  'build',
  'cap_add',
  'cap_drop',
  'command',
  'configs',
  'cpus',
  'depends_on',
  'deploy',
  'devices',
  'entrypoint',
  'env_file',
  'environment',
  'expose',
  'extends',
  'extra_hosts',
  'gpus',
  'group_add',
  'healthcheck',
  'hostname',
  'image',
  'init',
  'ipc',
  'labels',
  'logging',
  'mem_limit',
  'mem_reservation',
  'network_mode',
  'networks',
  'pid',
  'pids_limit',
  'platform',
  'ports',
  'privileged',
  'profiles',
  'pull_policy',
  'read_only',
  'restart',
  'scale',
  'secrets',
  'security_opt',
  'shm_size',
  'stdin_open',
  'stop_grace_period',
  'stop_signal',
  'sysctls',
  'tmpfs',
  'tty',
  'ulimits',
  'user',
  'volumes',
  'working_dir',
];

const NAMED = 'services reach each other by name';
const POD = 'a Pod has no word for it';

/** What happens instead. */
const IGNORED: Readonly<Record<string, string>> = {
  attach: 'windlass logs shows the logs of all instances',
  blkio_config: POD,
  cgroup: POD,
  cgroup_parent: POD,
  container_name: 'instances have names of their own, which begin with that of the service',
  cpu_count: 'use deploy.resources.limits.cpus',
  cpu_percent: 'use deploy.resources.limits.cpus',
  cpu_period: 'use deploy.resources.limits.cpus',
  cpu_quota: 'use deploy.resources.limits.cpus',
  cpu_rt_period: POD,
  cpu_rt_runtime: POD,
  cpu_shares: 'use deploy.resources.reservations.cpus',
  cpuset: POD,
  credential_spec: POD,
  develop: 'it is for developing, not for deploying',
  device_cgroup_rules: POD,
  dns: 'instances use the names of the cluster',
  dns_opt: 'instances use the names of the cluster',
  dns_search: 'instances use the names of the cluster',
  domainname: POD,
  external_links: NAMED,
  isolation: POD,
  label_file: 'write them as labels',
  links: NAMED,
  mac_address: POD,
  mem_swappiness: POD,
  memswap_limit: POD,
  models: POD,
  oom_kill_disable: POD,
  oom_score_adj: POD,
  post_start: 'use x-post_deploy for what runs once per rollout',
  pre_stop: 'the process gets its stop signal, and stop_grace_period to end',
  provider: POD,
  runtime: POD,
  storage_opt: POD,
  use_api_socket: POD,
  userns_mode: POD,
  uts: POD,
  volumes_from: 'name the same volume in both services',
  'x-context': 'use --kubeconfig to say which server is meant',
};

export function checkServiceFields(service: Field): void {
  for (const [key, field] of service.entries()) {
    const instead = IGNORED[key];
    if (instead !== undefined && !field.isNull) field.warn(`ignored: ${instead}`);
  }
  service.refuseUnknown([...CARRIED, ...Object.keys(IGNORED)]);
  service
    .get('extends')
    ?.fail('is not followed: write what is shared once with an anchor, and take it with <<: *NAME');
  checkNetworks(service.get('networks'));
  checkRestart(service);
  checkCaddy(service);
  const deploy = service.get('deploy');
  deploy?.refuseUnknown([
    'endpoint_mode',
    'labels',
    'mode',
    'placement',
    'replicas',
    'resources',
    'restart_policy',
    'rollback_config',
    'update_config',
  ]);
  deploy?.get('endpoint_mode')?.warn('ignored: names lead to the ready instances');
}

/** There is one network; a service that names others than the usual one expects to be apart. */
function checkNetworks(field: Field | undefined): void {
  if (field === undefined) return;
  const names = field.isMap
    ? field.entries().map(([name]) => name)
    : field.items().map((item) => item.text());
  if (names.some((name) => name !== 'default'))
    field.warn('ignored: all services can reach each other; none is set apart');
}

function checkRestart(service: Field): void {
  const restart = service.get('restart');
  const policy = service.get('deploy')?.get('restart_policy');
  policy?.refuseUnknown(['condition', 'delay', 'max_attempts', 'window']);
  const condition = policy?.get('condition');
  if (restart !== undefined && !['always', 'unless-stopped'].includes(restart.text()))
    restart.warn('ignored: instances of a service are always restarted');
  if (condition !== undefined && condition.text() !== 'any')
    condition.warn('ignored: instances of a service are always restarted');
  for (const key of ['delay', 'max_attempts', 'window'])
    policy?.get(key)?.warn('ignored: pauses between restarts grow from 10s to 5m');
}

function checkCaddy(service: Field): void {
  const caddy = service.get('x-caddy');
  if (caddy === undefined || caddyConfig(caddy).trim() === '') return;
  const isIngress = service
    .get('x-ports')
    ?.items()
    .some((item) => item.isText && !item.text().endsWith('@host'));
  if (isIngress === true)
    caddy.fail("ingress ports in 'x-ports' and 'x-caddy' cannot be specified simultaneously");
  caddy.warn(
    'ignored: the ingress here is no Caddy; publish with x-ports, as HOSTNAME:CONTAINER_PORT/https',
  );
}

/** A text, or a map with nothing but `config`. */
function caddyConfig(caddy: Field): string {
  if (caddy.isText) return caddyfile(caddy);
  for (const [key, field] of caddy.entries())
    if (key !== 'config')
      field.fail(`x-caddy has invalid keys: ${key}; it takes nothing but config`);
  const config = caddy.get('config');
  return config === undefined ? '' : caddyfile(config);
}

function caddyfile(field: Field): string {
  const text = field.text();
  if (/^([\d.]+|true|false)$/.test(text))
    field.fail(`expected type 'string', the text of a Caddyfile, found ${text}`);
  return text;
}
