// A webhook: every ConfigMap gets the label `team`, and none may lose it. Node.js and nothing else; the certificate is made by make-certificate.sh.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const PORT = Number(process.env.PORT ?? 9443);
const MOST_BYTES = 8 * 1024 * 1024;

function addLabel({ object }) {
  const labels = { team: 'unknown', ...object.metadata.labels };
  return [{ op: 'add', path: '/metadata/labels', value: labels }];
}

function mutate(request) {
  if (request.object?.metadata.labels?.team !== undefined) return { allowed: true };
  const patch = Buffer.from(JSON.stringify(addLabel(request))).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch, warnings: ['the label team was missing'] };
}

function validate({ object }) {
  const { team } = object.metadata.labels ?? {};
  if (team !== undefined && team !== '') return { allowed: true };
  return { allowed: false, status: { code: 403, message: 'a ConfigMap needs a label team' } };
}

const answers = { '/mutate': mutate, '/validate': validate };

async function serve(incoming, response) {
  const { pathname } = new URL(incoming.url, 'https://webhook');
  let body = '';
  for await (const chunk of incoming) {
    body += chunk;
    if (body.length > MOST_BYTES) return response.writeHead(413).end();
  }
  const { request, apiVersion, kind } = JSON.parse(body);
  const answer = { uid: request.uid, ...answers[pathname](request) };
  response.setHeader('content-type', 'application/json');
  return response.end(JSON.stringify({ apiVersion, kind, response: answer }));
}

const server = createServer(
  { key: readFileSync('webhook.key'), cert: readFileSync('webhook.crt') },
  (incoming, response) => {
    serve(incoming, response).catch((error) => response.writeHead(400).end(String(error)));
  },
);
server.listen(PORT, '127.0.0.1', () => console.log(`listening on https://127.0.0.1:${PORT}`));
