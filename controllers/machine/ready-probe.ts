// Asks an API server whether it is ready. Who it is is not checked without its CA: nothing is told to it, and its word is no secret.
import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import type { Clock } from '#platform/clock.ts';
import { Deadline } from '../machinery/deadline.ts';
import type { ReadyProbe } from '../rootfs/node-checks.ts';

const TIMEOUT_MS = 10_000;

export function readyProbe(clock: Clock): ReadyProbe {
  return async (url, signal) => {
    const deadline = new Deadline(
      clock,
      TIMEOUT_MS,
      `no answer within ${TIMEOUT_MS / 1000} s`,
      signal,
    );
    try {
      const status = await ask(url, deadline.signal);
      return { status };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const reason = deadline.signal.aborted ? (deadline.signal.reason as Error) : (error as Error);
      return { problem: reason.message.replaceAll(/\s+/g, ' ').slice(0, 200) };
    } finally {
      deadline.end();
    }
  };
}

function ask(url: URL, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { signal, agent: false as const };
    const sent =
      url.protocol === 'https:'
        ? request(url, { ...options, rejectUnauthorized: false })
        : plainRequest(url, options);
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}
