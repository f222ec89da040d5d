// The log of one container, followed while it is looked at.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { ApiFailure } from './api-failure.ts';
import type { Api } from './api.ts';
import { PODS, pathOf } from './kinds.ts';
import { NO_LINES, withText } from './log-lines.ts';
import type { LogLines } from './log-lines.ts';
import { Failure, shown } from './parts.ts';

const LAST_LINES = 200;

export function LogView({
  api,
  namespace,
  name,
  containers,
}: {
  readonly api: Api;
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly string[];
}): ComponentChild {
  const [container, setContainer] = useState(containers[0] ?? '');
  const [log, setLog] = useState<LogLines>(NO_LINES);
  const [end, setEnd] = useState<ApiFailure | 'over' | undefined>(undefined);
  const place = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const abort = new AbortController();
    let lines = NO_LINES;
    let frame: number | undefined;
    setEnd(undefined);
    setLog(lines);
    const draw = (): void => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        setLog(lines);
      });
    };
    void follow(api, { namespace, name, container }, abort.signal, (text) => {
      lines = withText(lines, text);
      draw();
    }).then(
      () => setEnd('over'),
      (error: unknown) => {
        if (!abort.signal.aborted)
          setEnd(
            error instanceof ApiFailure ? error : new ApiFailure(0, '', 'the connection broke'),
          );
      },
    );
    return () => {
      abort.abort();
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, [api, namespace, name, container]);
  // Whoever reads at the end goes on reading at the end; whoever has scrolled back is left there.
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = place.current;
    if (element !== null && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [log]);
  const onScroll = (): void => {
    const element = place.current;
    if (element !== null)
      isAtEnd.current = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
  };
  return h(
    'div',
    null,
    containers.length < 2
      ? null
      : h(
          'label',
          null,
          'Container ',
          h(
            'select',
            {
              value: container,
              onChange: (event: Event) =>
                setContainer((event.currentTarget as HTMLSelectElement).value),
            },
            containers.map((one) => h('option', { key: one, value: one }, shown(one))),
          ),
        ),
    end instanceof ApiFailure ? h(Failure, { what: 'the log', failure: end }) : null,
    h(
      'pre',
      {
        class: 'log',
        ref: place,
        tabIndex: 0,
        role: 'log',
        // Read on demand: a log that goes on would never let anybody hear anything else.
        'aria-live': 'off',
        'aria-label': `Log of ${shown(name)}`,
        onScroll,
      },
      log.lines.map((line, index) => h('div', { key: log.first + index }, shown(line) || ' ')),
      log.rest === '' ? null : h('div', null, shown(log.rest)),
    ),
    h(
      'p',
      { class: 'hint', role: 'status' },
      end === 'over' ? 'The log is at its end' : 'It goes on',
    ),
  );
}

/** @throws ApiFailure */
async function follow(
  api: Api,
  { namespace, name, container }: Readonly<Record<'namespace' | 'name' | 'container', string>>,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<void> {
  const query = new URLSearchParams({ follow: 'true', tailLines: String(LAST_LINES), container });
  const path = `${pathOf(PODS, { namespace, name, subresource: 'log' })}?${query.toString()}`;
  const { body } = await api.response('GET', path, { signal });
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onText(value);
  }
}
