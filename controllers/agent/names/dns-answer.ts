// What the names of the cluster domain mean: from a question to an answer. Pure.
import type { Answer, DecodedPacket, Packet, Question } from 'dns-packet';
import type { ServicePort } from './service-ports.ts';

/** What names can lead to, on this machine, now. */
export interface NameView {
  /** undefined: there is no such service. `address` undefined: no instance of it is ready. */
  service(namespace: string, name: string): NamedTarget | undefined;
  /** undefined: there is no such instance, or it is not ready. */
  instance(namespace: string, service: string, pod: string): NamedTarget | undefined;
  hasNamespace(namespace: string): boolean;
}

export interface NamedTarget {
  readonly address: string | undefined;
  readonly ports: readonly ServicePort[];
}

/** Seconds; the addresses are stable, but whether there is one changes. */
const TTL = 5;
/** For "there is none": the first instance may be ready in a moment. */
const NEGATIVE_TTL = 1;

type Outcome =
  | { readonly code: 'NXDOMAIN' }
  | {
      readonly code: 'NOERROR';
      readonly answers: readonly Answer[];
      readonly additionals?: readonly Answer[];
    };

const NOTHING: Outcome = { code: 'NOERROR', answers: [] };
const UNKNOWN: Outcome = { code: 'NXDOMAIN' };

/** Whether a name is the domain or below it. */
export function isInDomain(name: string, domain: string): boolean {
  const lower = name.toLowerCase();
  return lower === domain || lower.endsWith(`.${domain}`);
}

/** The packet that answers a question of the domain. `flags` of the question are kept where they must be. */
export function answerQuestion(
  query: DecodedPacket,
  question: Question,
  domain: string,
  view: NameView,
): Packet {
  const outcome = look(question, domain, view);
  const isEmpty = outcome.code === 'NXDOMAIN' || outcome.answers.length === 0;
  return {
    type: 'response',
    id: query.id ?? 0,
    // RD is repeated; RA: asked for something else, we would find it out. AA: this is where it is known.
    flags: ((query.flags ?? 0) & 0x0100) | 0x0480 | (outcome.code === 'NXDOMAIN' ? 3 : 0),
    questions: [question],
    answers: outcome.code === 'NXDOMAIN' ? [] : [...outcome.answers],
    authorities: isEmpty ? [authority(domain)] : [],
    additionals: outcome.code === 'NXDOMAIN' ? [] : [...(outcome.additionals ?? [])],
  };
}

/** What a name of the domain is about. */
export type ParsedName =
  | { readonly kind: 'domain' }
  | { readonly kind: 'namespace'; readonly namespace: string }
  /** `_http._tcp.web.default.internal` */
  | {
      readonly kind: 'port';
      readonly namespace: string;
      readonly service: string;
      readonly port: string;
      readonly protocol: string;
    }
  /** A service, or with the first label an instance of one: only who knows them can tell. */
  | { readonly kind: 'target'; readonly namespace: string; readonly labels: readonly string[] };

/** @param name in the domain */
export function parseName(name: string, domain: string): ParsedName {
  const lower = name.toLowerCase();
  if (lower === domain) return { kind: 'domain' };
  const labels = lower.slice(0, -domain.length - 1).split('.');
  // As Kubernetes has it: web.default.svc.internal is web.default.internal.
  if (labels.length > 2 && labels.at(-1) === 'svc') labels.pop();
  const namespace = labels.pop() ?? '';
  if (labels.length === 0) return { kind: 'namespace', namespace };
  const [port = '', protocol = '', ...rest] = labels;
  if (port.startsWith('_'))
    return { kind: 'port', namespace, service: rest.join('.'), port: port.slice(1), protocol };
  return { kind: 'target', namespace, labels };
}

function look({ name, type }: Question, domain: string, view: NameView): Outcome {
  const parsed = parseName(name, domain);
  switch (parsed.kind) {
    case 'domain':
      return type === 'SOA' ? { code: 'NOERROR', answers: [authority(domain)] } : NOTHING;
    case 'namespace':
      return view.hasNamespace(parsed.namespace) ? NOTHING : UNKNOWN;
    case 'port': {
      const { namespace, service, port, protocol } = parsed;
      const target = view.service(namespace, service);
      const ports = (target?.ports ?? []).filter((one) => one.name === port);
      if (target === undefined || protocol !== '_tcp' || ports.length === 0) return UNKNOWN;
      const host = `${service}.${namespace}.${domain}`;
      return type === 'SRV' ? answersOf(target, ports, type, name, host) : NOTHING;
    }
    case 'target': {
      const { namespace, labels } = parsed;
      const [first = '', ...rest] = labels;
      const target =
        view.service(namespace, labels.join('.')) ??
        view.instance(namespace, rest.join('.'), first);
      const host = `${labels.join('.')}.${namespace}.${domain}`;
      return target === undefined ? UNKNOWN : answersOf(target, target.ports, type, name, host);
    }
  }
}

function answersOf(
  { address }: NamedTarget,
  ports: readonly ServicePort[],
  type: string | null,
  name: string,
  target: string,
): Outcome {
  if (address === undefined) return NOTHING;
  const record = (of: string): Answer => ({ type: 'A', name: of, ttl: TTL, data: address });
  if (type === 'A' || type === 'ANY') return { code: 'NOERROR', answers: [record(name)] };
  if (type !== 'SRV') return NOTHING;
  return {
    code: 'NOERROR',
    answers: ports.map(({ port }) => ({
      type: 'SRV' as const,
      name,
      ttl: TTL,
      data: { port, target, priority: 0, weight: 0 },
    })),
    additionals: [record(target)],
  };
}

function authority(domain: string): Answer {
  return {
    type: 'SOA',
    name: domain,
    ttl: NEGATIVE_TTL,
    data: {
      mname: `ns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 60,
      retry: 10,
      expire: 600,
      minimum: NEGATIVE_TTL,
    },
  };
}

/** An answer that holds nothing but what went wrong. */
export function refusal(
  id: number,
  flags: number,
  code: number,
  question: Question | undefined,
): Packet {
  return {
    type: 'response',
    id,
    flags: (flags & 0x7900) | 0x0080 | code,
    questions: question === undefined ? [] : [question],
  };
}

export const FORMAT_ERROR = 1;
export const SERVER_FAILURE = 2;
export const NOT_IMPLEMENTED = 4;
