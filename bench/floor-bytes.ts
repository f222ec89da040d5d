// The floor of `bench list`: a bare https server that answers each GET with one file's bytes from memory.
// Arguments: the data directory of a control plane (for its certificate), the file.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';

const [dataDirectory = '', bodyFile = ''] = process.argv.slice(2);
const pki = (name: string): Buffer => readFileSync(path.join(dataDirectory, 'pki', name));
const body = readFileSync(bodyFile);

const server = https.createServer(
  { key: pki('server.key'), cert: pki('server.crt'), ALPNProtocols: ['http/1.1'] },
  (_incoming, outgoing) => {
    outgoing.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    outgoing.end(body);
  },
);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`ready ${typeof address === 'object' ? address?.port : ''}`);
});
process.once('SIGTERM', () => process.exit(0));
