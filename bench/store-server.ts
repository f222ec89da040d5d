// Our side of `bench store --peer etcd`: the path and the bodies of etcd's JSON gateway before the same group commit that the store
// uses. Argument: a folder of its own.
import http from 'node:http';
import { FloorLog } from './floor-log.ts';

const log = await FloorLog.open(process.argv[2] ?? '');

const server = http.createServer((incoming, outgoing) => {
  const pieces: Buffer[] = [];
  incoming.on('data', (piece: Buffer) => pieces.push(piece));
  incoming.on('end', () => {
    const { key, value } = JSON.parse(Buffer.concat(pieces).toString()) as Record<string, string>;
    const decoded = Buffer.from(key ?? '', 'base64').toString();
    void log.append(Buffer.from(value ?? '', 'base64'), decoded).then((revision) => {
      const body = JSON.stringify({ header: { revision: String(revision) } });
      outgoing.writeHead(200, {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
      });
      outgoing.end(body);
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`ready ${typeof address === 'object' ? address?.port : ''}`);
});
process.once('SIGTERM', () => process.exit(0));
