// What agents say to each other, a line of JSON each. The dialling one opens with one Opening; on a link the other then announces its
// ready instances, and both beat while nothing happens.
import { jsonFields } from '#platform/json-fields.ts';

/** An instance of a Service that is ready on the machine that says so. */
export interface Announcement {
  readonly podUID: string;
  readonly pod: string;
  readonly namespace: string;
  readonly service: string;
  /** '' without. */
  readonly revision: string;
}

export type Opening =
  | { readonly open: 'link' }
  | {
      readonly open: 'connect';
      readonly podUID: string;
      /** Number or name of a declared port. */
      readonly port: number | string;
    };

export type LinkMessage =
  /** All that are ready were announced at least once. */
  | { readonly type: 'complete' }
  | { readonly type: 'ready'; readonly instance: Announcement }
  /** Not ready any more; what is open may go on. */
  | { readonly type: 'gone'; readonly podUID: string }
  /** It is about to stop: let go of it within the limit. */
  | { readonly type: 'drain'; readonly podUID: string; readonly limitMs: number }
  | { readonly type: 'beat' };

/** The answer to `connect`; from then on the bytes are those of the instance. */
export const ACCEPTED = { status: 'ok' } as const;

/** How often both ends of a link speak at least, and after how much silence it is dead, in milliseconds. */
export const BEAT_MS = 1_000;
export const SILENCE_MS = 3_000;

export function encode(message: object): string {
  return `${JSON.stringify(message)}\n`;
}

/** undefined for what this version does not know. */
export function parseOpening(line: string): Opening | undefined {
  const message = jsonFields(line);
  if (message?.['open'] === 'link') return { open: 'link' };
  if (message?.['open'] !== 'connect') return undefined;
  const { podUID, port } = message;
  const isPort =
    typeof port === 'number' ? Number.isInteger(port) && port > 0 && port < 65_536 : isText(port);
  return isText(podUID) && isPort
    ? { open: 'connect', podUID, port: port as number | string }
    : undefined;
}

/** undefined for what this version does not know: newer peers may say more. */
export function parseLinkMessage(line: string): LinkMessage | undefined {
  const message = jsonFields(line);
  switch (message?.['type']) {
    case 'complete':
    case 'beat':
      return { type: message['type'] };
    case 'gone':
      return isText(message['podUID']) ? { type: 'gone', podUID: message['podUID'] } : undefined;
    case 'drain': {
      const { podUID, limitMs } = message;
      const isLimit = typeof limitMs === 'number' && limitMs >= 0;
      return isText(podUID) && isLimit ? { type: 'drain', podUID, limitMs } : undefined;
    }
    case 'ready': {
      const instance = announcementOf(message['instance']);
      return instance === undefined ? undefined : { type: 'ready', instance };
    }
    default:
      return undefined;
  }
}

function announcementOf(value: unknown): Announcement | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { podUID, pod, namespace, service, revision } = value as Readonly<Record<string, unknown>>;
  const isComplete = isText(podUID) && isText(pod) && isText(namespace) && isText(service);
  return isComplete && typeof revision === 'string' && revision.length <= LONGEST_TEXT
    ? { podUID, pod, namespace, service, revision }
    : undefined;
}

/** As long as names of Kubernetes get. */
const LONGEST_TEXT = 253;

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT;
}
