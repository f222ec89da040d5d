// One request on its way through the server: what was asked, by whom, and what the answer has become.
import type { IncomingMessage, ServerResponse } from 'node:http';

import { anonymous } from '../api/user.ts';
import type { UserInfo } from '../api/user.ts';
import type { ResourceDefinition } from '../api/resource.ts';

import type { Audit } from './audit/auditor.ts';
import type { Turn } from './fairness/level.ts';
import type { RequestInfo } from './request-info.ts';

export type Handler = (context: RequestContext) => void | Promise<void>;

export class RequestContext {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly info: RequestInfo;
  readonly auditId: string;
  /** On the clock's monotonic scale, in milliseconds. */
  readonly startedAt: number;

  user: UserInfo = anonymous;
  /** The kind that the path names; absent for other paths. */
  definition: ResourceDefinition | undefined;
  /** Absent when nobody wants it written down. */
  audit: Audit | undefined;
  /** What it has of the seats that requests share. */
  turn: Turn | undefined;
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Watches and followed logs: not timed out, ended by drain(). */
  isLongRunning = false;
  /** True for writes that asked for `dryRun=All`. */
  isDryRun = false;
  /** Bytes of the answer's body. */
  responseBytes = 0;
  /** Ends a long-running answer cleanly when the server stops. */
  onDrain: (() => void) | undefined;
  #warnings: string[] | undefined;
  #abort: AbortController | undefined;
  #abortReason: Error | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    info: RequestInfo,
    auditId: string,
    startedAt: number,
    timeoutMs: number,
  ) {
    this.request = request;
    this.response = response;
    this.info = info;
    this.auditId = auditId;
    this.startedAt = startedAt;
    this.timeoutMs = timeoutMs;
  }

  get warnings(): readonly string[] | undefined {
    return this.#warnings;
  }

  /** Adds a `Warning: 299` header; the same text only once. */
  warn(text: string): void {
    this.#warnings ??= [];
    if (!this.#warnings.includes(text)) this.#warnings.push(text);
  }

  /** What webhooks and policies have to say of the request for an audit log. The first value of a key stays. */
  annotate(key: string, value: string): void {
    this.audit?.annotate(key, value);
  }

  /** Aborts when the client goes away or the request's time is over. Made only when somebody asks. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  abort(reason: Error): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    this.#abort?.abort(reason);
  }
}
