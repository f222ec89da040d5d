// The HEALTHCHECK of the image: whether the server in this container can answer requests. Exit code 0: it can.
import { get } from 'node:https';

const port = process.env.WINDLASS_PORT || '6443';
/** Below the timeout of the check, so that it is us who say what was wrong. */
const TIMEOUT_MS = 4_000;

/** @param {string} why */
function unhealthy(why) {
  process.stdout.write(`${why}\n`);
  process.exitCode = 1;
}

// Nobody else answers on the loopback of a container and nothing secret is said, so whose certificate it is does not matter.
const request = get({
  host: '127.0.0.1',
  port,
  path: '/readyz',
  rejectUnauthorized: false,
  timeout: TIMEOUT_MS,
});
request.on('response', (response) => {
  response.resume();
  if (response.statusCode !== 200) unhealthy(`/readyz answers ${response.statusCode}`);
});
request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
request.on('error', (error) => unhealthy(`/readyz: ${error.message}`));
