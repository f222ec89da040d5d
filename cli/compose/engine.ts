// What of a Compose service a Pod has no word for: log driver, init, limits, devices, shared memory, stop signal.
import type { Engine } from '#controllers/service/types.ts';
import type { Field } from './field.ts';
import { isHealthCheckOff } from './health.ts';
import { userOf } from './security.ts';
import { textMap } from './texts.ts';
import { bytesQuantity } from './units.ts';

type Device = NonNullable<Engine['devices']>[number];
type DeviceRequest = NonNullable<Engine['deviceRequests']>[number];
type Ulimit = NonNullable<Engine['ulimits']>[number];

const REQUEST = ['capabilities', 'count', 'device_ids', 'driver', 'options'];
const MOST_DEVICES = 1_000;

export function engineOf(service: Field): Engine | undefined {
  const logging = service.get('logging');
  logging?.refuseUnknown(['driver', 'options']);
  const init = service.get('init')?.boolean();
  const ulimits = ulimitsOf(service.get('ulimits'));
  const { devices, requests } = devicesOf(service);
  const sharedMemory = service.get('shm_size')?.bytes();
  const stopSignal = service.get('stop_signal');
  const user = service.get('user');
  const isUnchecked = isHealthCheckOff(service);
  const options = textMap(logging?.get('options'));
  const engine: Engine = {
    ...(logging === undefined
      ? {}
      : {
          logDriver: {
            name: logging.get('driver')?.text() ?? 'local',
            ...(Object.keys(options).length === 0 ? {} : { options }),
          },
        }),
    ...(init === undefined ? {} : { init }),
    ...(user === undefined || userOf(user) !== undefined ? {} : { user: user.text() }),
    ...(ulimits.length === 0 ? {} : { ulimits }),
    ...(devices.length === 0 ? {} : { devices }),
    ...(requests.length === 0 ? {} : { deviceRequests: requests }),
    ...(sharedMemory === undefined ? {} : { sharedMemory: bytesQuantity(sharedMemory) }),
    ...(stopSignal === undefined ? {} : { stopSignal: signalOf(stopSignal) }),
    ...(isUnchecked ? { imageHealthCheck: false } : {}),
  };
  return Object.keys(engine).length === 0 ? undefined : engine;
}

function ulimitsOf(section: Field | undefined): readonly Ulimit[] {
  return (section?.entries() ?? []).map(([name, field]) => {
    if (field.isText) {
      const both = field.integer(-1);
      return { name, soft: both, hard: both };
    }
    field.refuseUnknown(['hard', 'soft']);
    const soft = field.get('soft') ?? field.fail('soft is missing');
    const hard = field.get('hard') ?? field.fail('hard is missing');
    return { name, soft: soft.integer(-1), hard: hard.integer(-1) };
  });
}

interface Devices {
  readonly devices: readonly Device[];
  readonly requests: readonly DeviceRequest[];
}

function devicesOf(service: Field): Devices {
  const devices: Device[] = [];
  const requests: DeviceRequest[] = [];
  const cdi: string[] = [];
  for (const item of service.get('devices')?.items() ?? []) {
    if (item.isText && /^[^/:]+\/[^:=]+=.+$/.test(item.text())) cdi.push(item.text());
    else devices.push(item.isText ? shortDevice(item) : longDevice(item));
  }
  if (cdi.length > 0) requests.push({ driver: 'cdi', deviceIDs: cdi });
  const gpus = service.get('gpus');
  if (gpus?.isText === true) {
    gpus.choice(['all']);
    requests.push({ count: -1, capabilities: [['gpu']] });
  } else for (const item of gpus?.items() ?? []) requests.push(requestOf(item, ['gpu']));
  const reserved = service.get('deploy')?.get('resources')?.get('reservations')?.get('devices');
  for (const item of reserved?.items() ?? []) requests.push(requestOf(item, []));
  return { devices, requests };
}

/** `/dev/a`, `/dev/a:/dev/b`, `/dev/a:/dev/b:rw`, `/dev/a:rw` */
function shortDevice(field: Field): Device {
  const [hostPath = '', second = hostPath, third, ...more] = field.text().split(':');
  const isPermissions = third === undefined && /^[rwm]{1,3}$/.test(second);
  if (more.length > 0) field.fail(`invalid device '${field.text()}': write it as HOST:PATH:rwm`);
  return device(field, hostPath, isPermissions ? hostPath : second, isPermissions ? second : third);
}

function longDevice(field: Field): Device {
  field.refuseUnknown(['permissions', 'source', 'target']);
  const hostPath = (field.get('source') ?? field.fail('source is missing')).text();
  const target = field.get('target')?.text() ?? hostPath;
  return device(field, hostPath, target, field.get('permissions')?.text());
}

function device(field: Field, hostPath: string, containerPath: string, given = 'rwm'): Device {
  if (!hostPath.startsWith('/') || !containerPath.startsWith('/'))
    field.fail(`invalid device '${hostPath}': paths of devices must be absolute`);
  if (!/^[rwm]{1,3}$/.test(given)) field.fail(`permissions '${given}' must be of r, w and m`);
  return { hostPath, containerPath, permissions: given };
}

/** @param implied capabilities that the section is about, written or not */
function requestOf(field: Field, implied: readonly string[]): DeviceRequest {
  field.refuseUnknown(REQUEST);
  const driver = field.get('driver')?.text();
  const ids = (field.get('device_ids')?.items() ?? []).map((item) => item.text());
  const count = field.get('count');
  if (count !== undefined && ids.length > 0) count.fail('has no meaning beside device_ids');
  const isAll = count === undefined || count.value === 'all';
  const named = (field.get('capabilities')?.items() ?? []).map((item) => item.text());
  const words = [...new Set([...named, ...implied])];
  const options = textMap(field.get('options'));
  return {
    ...(driver === undefined ? {} : { driver }),
    ...(ids.length > 0
      ? { deviceIDs: ids }
      : { count: isAll ? -1 : count.integer(0, MOST_DEVICES) }),
    ...(words.length === 0 ? {} : { capabilities: [words] }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}

function signalOf(field: Field): string {
  const text = field.text().toUpperCase();
  if (/^(SIG)?[A-Z0-9+]{2,12}$/.test(text)) return text;
  return field.fail(`'${field.text()}' is no signal such as SIGTERM`);
}
