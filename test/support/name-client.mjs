// An instance that keeps asking a service by its name, from inside the cluster, and says on standard output what happens: each new
// answer, each failure, and every half second how many were answered. Plain JavaScript: it also runs in containers.
import dns from 'node:dns/promises';
import { Agent, get } from 'node:http';

const { TARGET = '', PORT_OF_TARGET = '8000', LOOKUPS = '' } = process.env;
const agents = [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent({ keepAlive: false })];
const bodies = new Set();
let answered = 0;

function ask(host, port, agent) {
  return new Promise((resolve, reject) => {
    const request = get({ host, port, agent, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => resolve(body)).on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 10 s')));
    request.on('error', reject);
  });
}

async function keepAsking(agent) {
  for (;;) {
    try {
      const body = (await ask(TARGET, PORT_OF_TARGET, agent)).trim();
      answered += 1;
      if (!bodies.has(body)) console.log(`answer ${body}`);
      bodies.add(body);
    } catch (error) {
      console.log(`failure ${error.code ?? ''} ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

for (const name of LOOKUPS.split(',').filter(Boolean)) {
  const found = await dns.lookup(name).catch((error) => ({ address: error.code }));
  console.log(`lookup ${name} ${found.address}`);
}
for (const [name, value] of Object.entries(process.env))
  if (/_SERVICE_(HOST|PORT)/.test(name)) console.log(`variable ${name} ${value}`);
setInterval(() => console.log(`answered ${answered}`), 500);
process.on('SIGTERM', () => process.exit(0));
for (const agent of agents) void keepAsking(agent);
