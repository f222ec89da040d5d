// Design rules about texts and specs by themselves.
import { parsePort } from '#cli/run/port-text.ts';
import type { PublishedPort } from '#cli/run/port-text.ts';
import type { Demand, DesignRule } from './design-rule.ts';
import type { Expected, ServiceCase } from './service-case.ts';
import { specsOf } from './service-case.ts';

export const TEXT_RULES: readonly DesignRule[] = [
  {
    name: 'each name of the ingress once',
    basis: '#names-once',
    kinds: ['resolve'],
    instead: (_one, { expected }) => ({
      expected: expected.map((operation) =>
        Array.isArray(operation['ports'])
          ? { ...operation, ports: [...new Set(operation['ports'] as string[])] }
          : operation,
      ),
    }),
  },
  {
    name: 'TCP and UDP in the ingress',
    basis: '#ingress-tcp',
    kinds: ['validate', 'compose', 'resolve'],
    instead: (one, { expected }) =>
      isRefusal(expected, 'unsupported protocol for ingress port') && hasPort(one, isPlainIngress)
        ? { expected: [{ op: one.kind === 'resolve' ? 'resolved' : 'accept' }] }
        : undefined,
  },
  {
    name: 'one port of the machine cannot be published twice',
    basis: 7,
    kinds: ['validate', 'compose', 'resolve'],
    instead: (one, { expected }) =>
      expected.every(({ op }) => op !== 'error') && hasHostPortTwice(one)
        ? refused('of the machine is published by')
        : undefined,
  },
  {
    name: 'what only Caddy understands is left out, with a warning',
    basis: '#caddy',
    kinds: ['compose'],
    instead: (_one, { expected }) =>
      expected.some((operation) => 'caddy' in operation)
        ? { expected: expected.map(({ caddy: _caddy, ...rest }) => rest as Expected) }
        : undefined,
  },
  {
    name: 'no port on the addresses of a CIDR',
    basis: '#host-prefix',
    kinds: ['plan', 'eval', 'validate', 'multi-plan', 'run'],
    instead: (one, { expected }) =>
      expected.every(({ op }) => op !== 'error') &&
      hasPort(one, ({ hostPrefix }) => hostPrefix !== undefined)
        ? refused('the addresses of a CIDR cannot be bound')
        : undefined,
  },
  {
    name: 'an unknown update order is refused',
    basis: '#unknown-words',
    kinds: ['plan', 'eval', 'validate', 'multi-plan', 'run'],
    instead: (one, { expected }) => {
      const order = specOrNone(one)?.updateConfig?.order ?? '';
      const isKnown = ['', 'start-first', 'stop-first'].includes(order);
      return isKnown || isRefusal(expected, '') ? undefined : refused('invalid update order');
    },
  },
];

export function refused(contains: string): Partial<Demand> {
  return { expected: [{ op: 'error', contains }], status: undefined };
}

function isRefusal(expected: readonly Expected[], text: string): boolean {
  return expected.some(({ op, contains }) => op === 'error' && String(contains).includes(text));
}

function isPlainIngress({ mode, protocol }: PublishedPort): boolean {
  return mode === 'ingress' && (protocol === 'tcp' || protocol === 'udp');
}

function hasHostPortTwice(one: ServiceCase): boolean {
  const texts = (specOrNone(one)?.ports ?? []).filter((text) => text.endsWith('@host'));
  return new Set(texts).size < texts.length;
}

function hasPort(one: ServiceCase, test: (port: PublishedPort) => boolean): boolean {
  const texts = [
    ...(specOrNone(one)?.ports ?? []),
    ...one.initial.containers.flatMap(({ spec }) => spec.ports ?? []),
  ];
  return texts.some((text) => {
    try {
      return test(parsePort(text));
    } catch {
      return false;
    }
  });
}

/** The first service spec; undefined for cases about something else. */
export function specOrNone(one: ServiceCase): ReturnType<typeof specsOf>[number] | undefined {
  try {
    return specsOf(one)[0];
  } catch {
    return undefined;
  }
}
