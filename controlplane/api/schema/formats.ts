// The string formats that OpenAPI validation checks, by name; a name that is not here says nothing about the value, as
// upstream (kube-openapi strfmt). Every expression here is written so that it cannot backtrack far.
import { parseTimestamp } from '../timestamps.ts';

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const MAC = /^([0-9a-f]{2}([:-])[0-9a-f]{2}(\2[0-9a-f]{2}){4}|([0-9a-f]{4}\.){2}[0-9a-f]{4})$/i;
const HOST_LABEL = /^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?$/i;
const EMAIL = /^[^\s@<>()[\]\\,;:"]{1,64}@[^\s@<>()[\]\\,;:"]{1,255}$/;
const BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/;
const GO_DURATION = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/;
const HUMAN_DURATION =
  /^(\d+)\s*(ns|nanos?|us|µs|micros?|ms|millis?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)$/i;
const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);

function isIPv6(text: string): boolean {
  if (text.length > 45 || !/^[0-9a-f:.]+$/i.test(text)) return false;
  return URL.canParse(`http://[${text}]/`);
}

function isCIDR(text: string): boolean {
  const slash = text.lastIndexOf('/');
  const bits = text.slice(slash + 1);
  const address = text.slice(0, slash);
  if (slash < 0 || !/^\d{1,3}$/.test(bits)) return false;
  if (IPV4.test(address)) return Number(bits) <= 32;
  return isIPv6(address) && Number(bits) <= 128;
}

function isHostname(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  return name.length <= 255 && name.split('.').every((label) => HOST_LABEL.test(label));
}

/** Go's time.ParseDuration (`1h30m`) or one number with a unit in words (`3 days`). */
function isDuration(text: string): boolean {
  if (text === '0' || HUMAN_DURATION.test(text)) return true;
  if (text === '' || text.length > 256) return false;
  let rest = text;
  while (rest !== '') {
    const part = GO_DURATION.exec(rest);
    if (part === null || (rest !== text && /^[+-]/.test(rest))) return false;
    rest = rest.slice(part[0].length);
  }
  return true;
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined;
}

function isDateTime(text: string): boolean {
  return parseTimestamp(text) !== undefined;
}

function isUuidOf(version: string | undefined): (text: string) => boolean {
  return (text) => {
    if (!UUID.test(text)) return false;
    return version === undefined || text.replaceAll('-', '').charAt(12) === version;
  };
}

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  byte: (text) => BASE64.test(text) && text.replace(/[\r\n]/g, '').length % 4 === 0,
  cidr: isCIDR,
  date: isDate,
  'date-time': isDateTime,
  datetime: isDateTime,
  duration: isDuration,
  email: (text) => EMAIL.test(text),
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  hostname: isHostname,
  ipv4: (text) => IPV4.test(text),
  ipv6: isIPv6,
  'k8s-long-name': (text) => text.length <= 253 && isLongName(text),
  'k8s-short-name': (text) => SHORT_NAME.test(text) && text.length <= 63,
  mac: (text) => MAC.test(text),
  'micro-time': isDateTime,
  uri: (text) => text.startsWith('/') || URL.canParse(text),
  uuid: isUuidOf(undefined),
  uuid3: isUuidOf('3'),
  uuid4: isUuidOf('4'),
  uuid5: isUuidOf('5'),
};

const SHORT_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

function isLongName(text: string): boolean {
  return text.split('.').every((label) => SHORT_NAME.test(label));
}

/** False only when `format` is known and `text` is not of it. */
export function matchesFormat(format: string, text: string): boolean {
  return !Object.hasOwn(formats, format) || (formats[format]?.(text) ?? true);
}
