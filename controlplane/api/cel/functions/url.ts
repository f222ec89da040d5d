// URLs in rules: absolute URIs or absolute paths, as Go's url.ParseRequestURI takes them.
import { EvaluationError } from '../meter.ts';
import type { Meter } from '../meter.ts';
import { List, MapValue, Opaque } from '../values.ts';
import type { Value } from '../values.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';

/** For texts that are a path only. */
const NOWHERE = 'http://nowhere.invalid';

export class UrlValue extends Opaque {
  readonly typeName = 'kubernetes.URL';
  readonly text: string;
  readonly url: URL;
  readonly isPath: boolean;

  constructor(text: string, url: URL, isPath: boolean) {
    super();
    this.text = text;
    this.url = url;
    this.isPath = isPath;
  }

  canonical(): string {
    return this.text;
  }

  /** Host and port as written: WHATWG parsing drops default ports and lowers case. */
  host(): string {
    if (this.isPath) return '';
    const authority = /^[^:]+:\/\/([^/?#]*)/.exec(this.text)?.[1] ?? '';
    return authority.slice(authority.lastIndexOf('@') + 1);
  }

  hostname(): string {
    const host = this.host();
    if (host.startsWith('[')) return host.slice(1, host.indexOf(']'));
    const colon = host.indexOf(':');
    return colon < 0 ? host : host.slice(0, colon);
  }

  port(): string {
    return /:(\d+)$/.exec(this.host())?.[1] ?? '';
  }
}

export function parseUrl(text: string): UrlValue | undefined {
  if (/[\p{Cc} ]/u.test(text) || /%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  if (text.startsWith('/')) {
    const whole = `${NOWHERE}${text}`;
    return URL.canParse(whole) ? new UrlValue(text, new URL(whole), true) : undefined;
  }
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) || !URL.canParse(text)) return undefined;
  return new UrlValue(text, new URL(text), false);
}

function spendText(meter: Meter, text: string): void {
  meter.spend(text.length / 2);
}

function queryOf(url: UrlValue): MapValue {
  const values = new Map<string, Value[]>();
  for (const [key, value] of url.url.searchParams) {
    const list = values.get(key);
    if (list === undefined) values.set(key, [value]);
    else list.push(value);
  }
  return new MapValue(new Map([...values].map(([key, list]) => [key, new List(list)])));
}

export const urlFunctions: readonly FunctionRow[] = [
  row('url(string): kubernetes.URL', (meter, text: string) => {
    spendText(meter, text);
    const parsed = parseUrl(text);
    if (parsed === undefined) {
      throw new EvaluationError(`URL parse error during conversion from string: ${text}`);
    }
    return parsed;
  }),
  row('isURL(string): bool', (meter, text: string) => {
    spendText(meter, text);
    return parseUrl(text) !== undefined;
  }),
  row('kubernetes.URL.getScheme(): string', (_, url: UrlValue) =>
    url.isPath ? '' : url.url.protocol.slice(0, -1),
  ),
  row('kubernetes.URL.getHost(): string', (_, url: UrlValue) => url.host()),
  row('kubernetes.URL.getHostname(): string', (_, url: UrlValue) => url.hostname()),
  row('kubernetes.URL.getPort(): string', (_, url: UrlValue) => url.port()),
  row('kubernetes.URL.getEscapedPath(): string', (_, url: UrlValue) => {
    const rest = url.isPath ? url.text : url.text.replace(/^[^:]+:(\/\/[^/?#]*)?/, '');
    return rest.replace(/[?#].*$/s, '');
  }),
  row('kubernetes.URL.getQuery(): map<string, list<string>>', (meter, url: UrlValue) => {
    spendText(meter, url.text);
    return queryOf(url);
  }),
];
