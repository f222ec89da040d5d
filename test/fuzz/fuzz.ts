// Sends requests by chance to a real server until there were enough, and keeps what was answered wrong.
import { request } from 'undici';
import type { Agent } from 'undici';
import type { Random } from '../support/seed.ts';
import { problemOf } from './judge.ts';
import { randomRequest } from './random-request.ts';
import type { FuzzRequest } from './random-request.ts';
import { RandomValues } from './random-value.ts';
import type { Served } from './served.ts';

export interface Finding {
  readonly request: string;
  readonly problem: string;
}

export interface Fuzzing {
  readonly url: URL;
  readonly agent: Agent;
  readonly served: readonly Served[];
  readonly random: Random;
  /** Asked before each request. */
  readonly goesOn: (sent: number) => boolean;
}

/** Requests at once. */
const LANES = 8;
const PATIENCE_MS = 60_000;

export interface Fuzzed {
  readonly sent: number;
  /** How often which code was answered. */
  readonly codes: ReadonlyMap<number, number>;
  readonly findings: readonly Finding[];
}

export async function fuzz({ url, agent, served, random, goesOn }: Fuzzing): Promise<Fuzzed> {
  const values = new RandomValues(random);
  const codes = new Map<number, number>();
  const findings: Finding[] = [];
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (goesOn(sent)) {
      sent += 1;
      const asked = randomRequest(values, served);
      const problem = await tried(url, agent, asked, codes);
      if (problem !== undefined) findings.push({ request: shown(asked), problem });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { sent, codes, findings };
}

async function tried(
  url: URL,
  agent: Agent,
  asked: FuzzRequest,
  codes: Map<number, number>,
): Promise<string | undefined> {
  const { method, path, headers, body } = asked;
  try {
    const answer = await request(new URL(`${url.origin}${path}`), {
      method: method as 'GET',
      headers,
      dispatcher: agent,
      ...(body === undefined ? {} : { body }),
      headersTimeout: PATIENCE_MS,
      bodyTimeout: PATIENCE_MS,
    });
    const code = answer.statusCode;
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    codes.set(code, (codes.get(code) ?? 0) + 1);
    const type = String(answer.headers['content-type'] ?? '');
    return problemOf(asked, { code, type, body: bytes });
  } catch (error) {
    return `no answer: ${String(error)}`;
  }
}

function shown({ method, path, headers, body }: FuzzRequest): string {
  return `${method} ${path} ${JSON.stringify(headers)} ${body === undefined ? '' : body.toString().slice(0, 4_000)}`;
}
