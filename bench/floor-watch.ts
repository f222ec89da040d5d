// The floor of `bench watch`: a bare https server. GET opens a stream; POST writes the events to all streams, eight a write,
// going on with each socket when it has drained.
// Arguments: the data directory of a control plane (for its certificate), bytes of an event, number of events.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { ServerResponse } from 'node:http';
import path from 'node:path';

const [dataDirectory = '', size = '', count = ''] = process.argv.slice(2);
const pki = (name: string): Buffer => readFileSync(path.join(dataDirectory, 'pki', name));
const perWrite = 8;
const piece = Buffer.alloc(Number(size) * perWrite, 'x');
const writes = Math.ceil(Number(count) / perWrite);
const streams = new Set<ServerResponse>();

function pump(stream: ServerResponse, left: number): void {
  let remaining = left;
  while (remaining > 0) {
    remaining -= 1;
    if (!stream.write(piece)) {
      if (remaining > 0) stream.once('drain', () => pump(stream, remaining));
      return;
    }
  }
}

const server = https.createServer(
  { key: pki('server.key'), cert: pki('server.crt'), ALPNProtocols: ['http/1.1'] },
  (incoming, outgoing) => {
    if (incoming.method === 'GET') {
      outgoing.writeHead(200, { 'Content-Type': 'application/json' });
      outgoing.flushHeaders();
      streams.add(outgoing);
      outgoing.once('close', () => streams.delete(outgoing));
      return;
    }
    outgoing.writeHead(200, { 'Content-Length': 0 });
    outgoing.end();
    for (const stream of streams) pump(stream, writes);
  },
);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`ready ${typeof address === 'object' ? address?.port : ''}`);
});
process.once('SIGTERM', () => process.exit(0));
