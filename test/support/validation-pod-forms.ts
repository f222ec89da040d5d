// How bad Pods are written down: a good Pod, and the fields that are wrong in it.
import type { BadObject, Changes } from './validation-case.ts';

export const bad = (changes: Changes, update?: Changes): BadObject =>
  update === undefined ? ['pod', changes] : ['pod', changes, update];

/** A field of the spec. */
export const spec = (name: string, value: unknown): BadObject => bad({ [`spec/${name}`]: value });

/** A field of the first container. */
export const first = (name: string, value: unknown): BadObject =>
  bad({ [`spec/containers/0/${name}`]: value });

/** An init container. */
export const initial = (container: object, more: Changes = {}): BadObject =>
  bad({ 'spec/initContainers': [{ name: 'i', image: 'hello:1', ...container }], ...more });
