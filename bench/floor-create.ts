// The floor of `bench create`: node:https takes the body and the same group commit makes it durable; nothing else happens.
// Arguments: the data directory of a control plane (for its certificate), a folder of its own.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { FloorLog } from './floor-log.ts';

const [dataDirectory = '', folder = ''] = process.argv.slice(2);
const pki = (name: string): Buffer => readFileSync(path.join(dataDirectory, 'pki', name));
const log = await FloorLog.open(folder);

const server = https.createServer(
  { key: pki('server.key'), cert: pki('server.crt'), ALPNProtocols: ['http/1.1'] },
  (incoming, outgoing) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('end', () => {
      const body = Buffer.concat(pieces);
      void log.append(body).then(() => {
        outgoing.writeHead(201, {
          'Content-Type': 'application/json',
          'Content-Length': body.length,
        });
        outgoing.end(body);
      });
    });
  },
);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`ready ${typeof address === 'object' ? address?.port : ''}`);
});
process.once('SIGTERM', () => process.exit(0));
