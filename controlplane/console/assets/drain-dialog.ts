// Empties a node: says first what becomes of each Pod, then cordons, evicts, and shows each until it is gone. What a budget holds is asked
// for again as long as the dialog is open.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { messageOf } from './action-dialog.ts';
import { cordonChange } from './action.ts';
import type { Api } from './api.ts';
import { applyChange } from './apply-change.ts';
import { browserClock } from './browser-clock.ts';
import { Dialog } from './dialog.ts';
import { drainPlan } from './drain.ts';
import type { DrainablePod, DrainStep } from './drain.ts';
import { evict } from './evict.ts';
import type { Answer } from './evict.ts';
import { NODES, PODS } from './kinds.ts';
import type { Node } from './machine.ts';
import { Failure, shown } from './parts.ts';
import { useList } from './use-list.ts';

/** More than any node runs. */
const MOST_PODS = 1_000;
const AGAIN_MS = 5_000;

type Answers = ReadonlyMap<string, Answer>;

export function DrainDialog({
  api,
  node,
  onClose,
}: {
  readonly api: Api;
  /** As it was when somebody began. */
  readonly node: Node;
  readonly onClose: (done: string | undefined) => void;
}): ComponentChild {
  const { name } = node.metadata;
  const list = useList<DrainablePod>(api, PODS, {
    fieldSelector: `spec.nodeName=${name}`,
    limit: MOST_PODS,
  });
  const [steps, setSteps] = useState<readonly DrainStep[] | undefined>(undefined);
  const [answers, setAnswers] = useState<Answers>(new Map());
  const [isBegun, setBegun] = useState(false);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const end = useRef<AbortController>(new AbortController());
  useEffect(() => () => end.current.abort(), []);

  /** @returns those that are held */
  const askAll = async (
    which: readonly DrainStep[],
    isDryRun: boolean,
  ): Promise<readonly DrainStep[]> => {
    const held: DrainStep[] = [];
    for (const step of which) {
      if (end.current.signal.aborted) return [];
      const answer = await evict(api, step.pod, isDryRun);
      if (answer.state === 'Held') held.push(step);
      setAnswers((before) => new Map(before).set(step.pod.metadata.uid ?? '', answer));
    }
    return held;
  };
  const going = (steps ?? []).filter(({ does }) => does === 'goes');
  const present = new Set(list.items.map(({ metadata }) => metadata.uid));
  const left = going.filter(({ pod }) => present.has(pod.metadata.uid));
  useEffect(() => {
    if (steps !== undefined || list.state !== 'Live') return;
    const plan = drainPlan(name, list.items);
    setSteps(plan);
    void askAll(
      plan.filter(({ does }) => does === 'goes'),
      true,
    );
  }, [list.state, steps]);

  const goOn = async (which: readonly DrainStep[]): Promise<void> => {
    const held = await askAll(which, false);
    if (held.length > 0 && !end.current.signal.aborted)
      browserClock.later(AGAIN_MS, () => void goOn(held));
  };
  const confirm = (): void => {
    if (steps === undefined || isBegun) return;
    setBegun(true);
    setFailure(undefined);
    setAnswers(new Map());
    cordoned(api, node).then(
      () => goOn(going),
      (error: unknown) => {
        setBegun(false);
        setFailure(messageOf(error));
      },
    );
  };
  const isDone = isBegun && list.state === 'Live' && left.length === 0;
  const close = (): void => {
    if (!isBegun) return onClose(undefined);
    onClose(isDone ? `Done: Drain ${name}` : `Drain ${name}: ${left.length} not gone yet`);
  };
  const say = ({ pod, note }: DrainStep): string => {
    const { namespace = '', name: podName, uid = '' } = pod.metadata;
    const isGone = steps !== undefined && !present.has(uid);
    return `${namespace}/${podName}: ${isGone ? 'is gone' : answerText(answers.get(uid), isBegun, note)}`;
  };
  return h(
    Dialog,
    { title: `Drain ${name}`, onSubmit: confirm, onCancel: close },
    h(
      'p',
      { role: 'status' },
      isDone
        ? 'All that had to go is gone. The node stays cordoned.'
        : isBegun
          ? `${left.length} of ${going.length} still there`
          : 'It takes no new instances, and those on it are stopped one after the other, as far as budgets allow.',
    ),
    failure === undefined
      ? null
      : h('div', { class: 'failure', role: 'alert' }, h('p', null, shown(failure))),
    list.state === 'Refused' && list.failure !== undefined
      ? h(Failure, { what: 'what runs on it', failure: list.failure })
      : null,
    h(Steps, { title: 'Goes', of: going, say }),
    h(Steps, { title: 'Stays', of: (steps ?? []).filter(({ does }) => does === 'stays'), say }),
    steps !== undefined && steps.length === 0 ? h('p', null, 'It runs nothing.') : null,
    h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'button', onClick: close }, isBegun ? 'Close' : 'Cancel'),
      isDone
        ? null
        : h(
            'button',
            { type: 'submit', class: 'primary', disabled: steps === undefined || isBegun },
            isBegun ? 'Under way' : 'Do it',
          ),
    ),
  );
}

function Steps({
  title,
  of,
  say,
}: {
  readonly title: string;
  readonly of: readonly DrainStep[];
  readonly say: (step: DrainStep) => string;
}): ComponentChild {
  if (of.length === 0) return null;
  return h(
    'div',
    null,
    h('p', null, `${title}:`),
    h(
      'ul',
      { class: 'differences' },
      of.map((step) => h('li', { key: step.pod.metadata.uid }, shown(say(step)))),
    ),
  );
}

function answerText(answer: Answer | undefined, isBegun: boolean, note: string): string {
  if (answer === undefined) return note;
  switch (answer.state) {
    case 'Held':
      return `is held: ${answer.message}`;
    case 'Refused':
      return `may not be evicted: ${answer.message}`;
    default:
      return isBegun ? 'is stopping' : note;
  }
}

async function cordoned(api: Api, node: Node): Promise<void> {
  if (node.spec?.unschedulable === true) return;
  const { patch } = cordonChange(node);
  if (patch !== undefined) await applyChange(api, NODES, node, patch);
}
