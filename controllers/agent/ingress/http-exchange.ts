// Follows the requests and responses of one connection, to know when it is idle: then nothing of it is lost by moving the client to
// another instance. After an upgrade, and for every other protocol, it is never idle once a byte has passed.
import { declaredBody, MessageFramer } from './http-framing.ts';
import type { Body, MessageHead } from './http-framing.ts';

const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \S+ HTTP\/1\.[01]$/;
const STATUS_LINE = /^HTTP\/1\.[01] \d{3}(?: |$)/;

export class HTTPExchange {
  readonly #requests: MessageFramer;
  readonly #responses: MessageFramer;
  /** Methods of the requests that are not answered to the end yet. */
  readonly #open: string[] = [];
  #closes = false;
  #untouched = true;

  constructor() {
    this.#requests = new MessageFramer({
      startLine: REQUEST_LINE,
      bodyOf: (head) => this.#requestBody(head),
      ended: () => undefined,
    });
    this.#responses = new MessageFramer({
      startLine: STATUS_LINE,
      bodyOf: (head) => this.#responseBody(head),
      ended: () => void this.#open.shift(),
    });
  }

  /** Nothing has passed yet, in neither direction. */
  get isUntouched(): boolean {
    return this.#untouched;
  }

  /** Nothing is under way: every request has been sent and answered to its end. */
  get isIdle(): boolean {
    return this.#requests.isBetween && this.#responses.isBetween && this.#open.length === 0;
  }

  /** Something that is not HTTP/1, or not any more: nobody can tell when it is done. */
  get isOpaque(): boolean {
    return this.#requests.isOpaque;
  }

  /** One side has said that the connection ends with the current exchange. */
  get closes(): boolean {
    return this.#closes;
  }

  request(chunk: Buffer): void {
    this.#untouched = false;
    this.#requests.push(chunk);
    if (this.#requests.isOpaque) this.#responses.giveUp();
  }

  response(chunk: Buffer): void {
    this.#untouched = false;
    // Who speaks without being asked speaks another protocol, or is about to close.
    if (this.#open.length === 0) this.#responses.giveUp();
    this.#responses.push(chunk);
    if (this.#responses.isOpaque) this.#requests.giveUp();
  }

  #requestBody(head: MessageHead): Body {
    this.#open.push(head.start.slice(0, head.start.indexOf(' ')));
    this.#noteClose(head, head.start.endsWith('HTTP/1.0'));
    return declaredBody(head) ?? { type: 'length', bytes: 0 };
  }

  #responseBody(head: MessageHead): Body {
    const code = Number(head.start.slice(9, 12));
    const method = this.#open[0];
    if (code === 101 || (method === 'CONNECT' && code < 300)) return { type: 'opaque' };
    if (code < 200) return { type: 'interim' };
    this.#noteClose(head, head.start.startsWith('HTTP/1.0'));
    if (method === 'HEAD' || code === 204 || code === 304) return { type: 'length', bytes: 0 };
    return declaredBody(head) ?? { type: 'rest' };
  }

  #noteClose(head: MessageHead, isOld: boolean): void {
    const options = head.values('connection').join(',');
    if (/(?:^|,)\s*close\s*(?:,|$)/.test(options)) this.#closes = true;
    if (isOld && !options.includes('keep-alive')) this.#closes = true;
  }
}
