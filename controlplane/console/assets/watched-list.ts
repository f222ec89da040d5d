// One kind, listed and then watched: a page of it at a time, and every change to that page as it happens. A machine with named states; 410
// always leads back to listing. What it is given does the talking, so that it is tested without a browser.
import { ApiFailure } from './api-failure.ts';
import { keyOf } from './api-object.ts';
import type { ApiObject, ObjectList } from './api-object.ts';
import type { BrowserClock } from './browser-clock.ts';
import { applyEvent } from './listed-window.ts';
import type { Range, WatchEvent } from './listed-window.ts';

/** Listing: nothing is known yet. Live: changes come in. Behind: they do not, and it is tried again. Refused: only somebody can help. */
export type ListState = 'Listing' | 'Live' | 'Behind' | 'Refused';

export interface Listed<T> {
  readonly state: ListState;
  readonly items: readonly T[];
  /** Why it is Behind or Refused. */
  readonly failure: ApiFailure | undefined;
  /** How many more there were behind this page when it was listed. */
  readonly remaining: number;
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
}

export interface WatchHandlers {
  readonly onOpen: () => void;
  readonly onMessage: (text: string) => void;
  readonly onClose: () => void;
}

export interface ListPorts<T> {
  list(continueToken: string | undefined, signal: AbortSignal): Promise<ObjectList<T>>;
  /** Gives what ends it. */
  watch(resourceVersion: string, handlers: WatchHandlers): () => void;
  readonly clock: BrowserClock;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

const FROM_START: Range = { after: undefined, through: undefined };

export class WatchedList<T extends ApiObject> {
  readonly #ports: ListPorts<T>;
  readonly #onChange: () => void;
  readonly #closing = new AbortController();
  #state: ListState = 'Listing';
  #items: readonly T[] = [];
  #failure: ApiFailure | undefined;
  #range = FROM_START;
  /** Continue tokens of the pages before this one, and the key that each began behind. */
  #before: readonly { readonly token: string | undefined; readonly after: string | undefined }[] =
    [];
  #token: string | undefined;
  #next: string | undefined;
  #remaining = 0;
  #resourceVersion = '';
  #pauseMs = FIRST_PAUSE_MS;
  #endWatch: (() => void) | undefined;
  #cancelPause: (() => void) | undefined;

  constructor(ports: ListPorts<T>, onChange: () => void) {
    this.#ports = ports;
    this.#onChange = onChange;
    void this.#list();
  }

  get listed(): Listed<T> {
    return {
      state: this.#state,
      items: this.#items,
      failure: this.#failure,
      remaining: this.#remaining,
      hasPrevious: this.#before.length > 0,
      hasNext: this.#next !== undefined,
    };
  }

  next(): void {
    if (this.#next === undefined) return;
    this.#before = [...this.#before, { token: this.#token, after: this.#range.after }];
    this.#turnTo(this.#next, this.#range.through);
  }

  previous(): void {
    const last = this.#before.at(-1);
    if (last === undefined) return;
    this.#before = this.#before.slice(0, -1);
    this.#turnTo(last.token, last.after);
  }

  close(): void {
    this.#closing.abort();
    this.#stop();
  }

  #turnTo(token: string | undefined, after: string | undefined): void {
    this.#token = token;
    this.#range = { after, through: undefined };
    this.#state = 'Listing';
    this.#items = [];
    this.#onChange();
    void this.#list();
  }

  async #list(): Promise<void> {
    this.#stop();
    const token = this.#token;
    const isStale = (): boolean => this.#closing.signal.aborted || token !== this.#token;
    let list: ObjectList<T>;
    try {
      list = await this.#ports.list(token, this.#closing.signal);
    } catch (error) {
      if (isStale()) return;
      this.#failed(error instanceof ApiFailure ? error : new ApiFailure(0, '', String(error)));
      return;
    }
    if (isStale()) return;
    const { resourceVersion, continue: next, remainingItemCount = 0 } = list.metadata;
    const last = list.items.at(-1);
    this.#items = list.items;
    this.#next = next === undefined || next === '' ? undefined : next;
    this.#range = {
      after: this.#range.after,
      through: this.#next === undefined || last === undefined ? undefined : keyOf(last),
    };
    this.#remaining = remainingItemCount;
    this.#resourceVersion = resourceVersion;
    this.#state = 'Live';
    this.#failure = undefined;
    this.#onChange();
    this.#watch();
  }

  #failed(failure: ApiFailure): void {
    this.#failure = failure;
    if (failure.code === 410) {
      // The page is older than the server remembers: from the start.
      this.#before = [];
      this.#turnTo(undefined, undefined);
      return;
    }
    const isFinal = failure.code === 403 || failure.code === 404 || failure.code === 401;
    this.#state = isFinal ? 'Refused' : 'Behind';
    this.#onChange();
    if (!isFinal) this.#again(() => void this.#list());
  }

  #watch(): void {
    let hasOpened = false;
    let isOver = false;
    const over = (then: () => void): void => {
      if (isOver) return;
      isOver = true;
      this.#endWatch?.();
      this.#endWatch = undefined;
      if (!this.#closing.signal.aborted) then();
    };
    const end = this.#ports.watch(this.#resourceVersion, {
      onOpen: () => {
        hasOpened = true;
        this.#pauseMs = FIRST_PAUSE_MS;
        if (this.#state !== 'Behind') return;
        this.#state = 'Live';
        this.#failure = undefined;
        this.#onChange();
      },
      onMessage: (text) => {
        if (isOver) return;
        const event = JSON.parse(text) as WatchEvent<T>;
        if (event.type === 'ERROR') over(() => void this.#list());
        else this.#take(event);
      },
      onClose: () =>
        over(() => {
          // Servers end watches now and then. One that never opened was refused, and a browser is not told why: a list says.
          if (hasOpened) {
            this.#again(() => this.#watch());
            return;
          }
          this.#state = 'Behind';
          this.#failure = new ApiFailure(0, '', 'the server does not say what changes');
          this.#onChange();
          this.#again(() => void this.#list());
        }),
    });
    this.#endWatch = () => {
      isOver = true;
      end();
    };
  }

  #take(event: WatchEvent<T>): void {
    this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
    const items = applyEvent(this.#items, this.#range, event);
    if (items === this.#items) return;
    this.#items = items;
    this.#onChange();
  }

  #again(work: () => void): void {
    this.#cancelPause = this.#ports.clock.later(this.#pauseMs, work);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #stop(): void {
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.#endWatch?.();
    this.#endWatch = undefined;
  }
}
