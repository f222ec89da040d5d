// A real dialog: the focus stays inside, Escape leaves.
import { h } from 'preact';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';

import { shown } from './parts.ts';

export function Dialog({
  title,
  onSubmit,
  onCancel,
  children,
}: {
  readonly title: string;
  readonly onSubmit: () => void;
  readonly onCancel: () => void;
  readonly children?: ComponentChildren;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  const without = (act: () => void) => (event: Event) => {
    event.preventDefault();
    act();
  };
  return h(
    'dialog',
    { ref: dialog, 'aria-labelledby': 'action', onCancel: without(onCancel) },
    h('form', { onSubmit: without(onSubmit) }, h('h2', { id: 'action' }, shown(title)), children),
  );
}
