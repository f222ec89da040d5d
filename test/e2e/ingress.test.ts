// The ingress as users meet it: HTTPS with the cluster's own certificates and with Secrets that change, hosts on one port, conflicts that
// are told, and services that are replaced stop-first and scaled under load.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { issueAuthority, issueCertificate } from '#controlplane/identity/issuer.ts';
import { abruptService } from '../support/abrupt-service.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { RateLoad } from '../support/rate-load.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

interface Secured {
  readonly status: number;
  readonly text: string;
  readonly issuer: string;
  readonly serial: string;
}

function getSecured(port: number, host: string, ca: string): Promise<Secured> {
  return new Promise((resolve, reject) => {
    const headers = { host };
    const asked = request(
      { host: '127.0.0.1', port, servername: host, headers, ca, agent: false },
      (response) => {
        const { issuer, serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text,
            issuer: String(issuer.CN),
            serial: serialNumber,
          }),
        );
      },
    );
    asked.on('error', reject).end();
  });
}

test(
  'HTTPS ends with a certificate of the cluster or of a Secret, which may change; who comes second to a host is told',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const windlass = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(windlass.kubeconfig, dataDir);
    const port = await freePort();
    const authority = readFileSync(join(dataDir, 'pki', 'ca.crt'), 'utf8');
    const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 86_400_000 };
    const foreign = await issueAuthority('foreign', validity);
    const putSecret = async (): Promise<void> => {
      const host = 'own.example.com';
      const named = { commonName: host, dnsNames: [host], ipAddresses: [] };
      const pair = await issueCertificate(foreign, { usage: 'server', ...named }, validity);
      const data = {
        'tls.crt': Buffer.from(pair.certificate).toString('base64'),
        'tls.key': Buffer.from(pair.privateKey).toString('base64'),
      };
      const metadata = { name: 'own-tls', namespace: 'default' };
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata,
        type: 'kubernetes.io/tls',
        data,
      };
      await kubectl.apply(JSON.stringify(secret));
    };
    const service = (name: string, ...ingress: readonly string[]): Promise<unknown> =>
      kubectl.apply(abruptService({ name, version: name, replicas: 1, ingress }));
    await service(
      'app',
      `{port: ${port}, targetPort: http, protocol: HTTPS, host: app.example.com}`,
    );
    await service(
      'own',
      `{port: ${port}, targetPort: http, protocol: HTTPS, host: own.example.com, tls: {mode: Secret, secretName: own-tls}}`,
    );
    await eventually('HTTPS with a certificate of the cluster', async () => {
      const { text, issuer } = await getSecured(port, 'app.example.com', authority);
      assert.match(text, /^app app-/);
      assert.equal(issuer, 'windlass-ca');
    });
    const said = (name: string): Promise<string> =>
      kubectl.ok([
        'get',
        'events',
        '--field-selector',
        `involvedObject.name=${name},involvedObject.kind=Service`,
      ]);
    await eventually('the missing Secret is told', async () =>
      assert.match(await said('own'), /IngressCertificate.*Secret default\/own-tls does not exist/),
    );
    await putSecret();
    const first = await eventually('HTTPS with the Secret', async () => {
      const answer = await getSecured(port, 'own.example.com', foreign.certificate);
      assert.match(answer.text, /^own own-/);
      return answer;
    });
    await putSecret();
    await eventually('HTTPS with the changed Secret', async () => {
      const { serial } = await getSecured(port, 'own.example.com', foreign.certificate);
      assert.notEqual(serial, first.serial);
    });

    await service(
      'second',
      `{port: ${port}, targetPort: http, protocol: HTTPS, host: app.example.com}`,
    );
    await eventually('the conflict is told', async () =>
      assert.match(await said('second'), /IngressConflict.*leads to Service default\/app already/),
    );
    assert.match((await getSecured(port, 'app.example.com', authority)).text, /^app /);
    await kubectl.ok(['delete', 'wsvc', 'app', '--timeout=120s']);
    await eventually('the second one has the host', async () =>
      assert.match((await getSecured(port, 'app.example.com', authority)).text, /^second /),
    );
    const metrics = await kubectl.ok(['get', '--raw', '/metrics']);
    assert.match(
      metrics,
      /windlass_ingress_requests_total\{namespace="default",service="app",code="2xx"\} \d/,
    );
    assert.doesNotMatch(windlass.output, /PRIVATE KEY/);
    assert.ok(
      execFileSync('ls', ['-l', join(dataDir, 'node', 'ingress')])
        .toString()
        .includes('-rw-------'),
    );
  },
);

test(
  'no request fails while two replicas are replaced stop-first, and scaled up and down, over HTTP and TCP',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const windlass = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(windlass.kubeconfig, dataDir);
    const [port, plain] = [await freePort(), await freePort()];
    const apply = (version: string, replicas: number): Promise<unknown> =>
      kubectl.apply(
        abruptService({
          name: 'web',
          version,
          replicas,
          updateStrategy: '{order: StopFirst}',
          ingress: [
            `{port: ${port}, targetPort: http, protocol: HTTP}`,
            `{port: ${plain}, targetPort: http}`,
          ],
        }),
      );
    const isThere = (revision: number, replicas: number): Promise<void> =>
      eventually(
        `${replicas} instances of revision ${revision}`,
        async () => {
          const format =
            '{.status.revision} {.status.updatedReplicas} {.status.readyReplicas} {.status.replicas}';
          const found = await kubectl.ok(['get', 'wsvc', 'web', '-o', `jsonpath=${format}`]);
          assert.equal(found, `${revision} ${replicas} ${replicas} ${replicas}`);
        },
        90_000,
      );
    await apply('v0', 2);
    await isThere(1, 2);
    assert.match((await httpGet(`http://127.0.0.1:${plain}/`)).body, /^v0 /);
    const loads = [port, plain].map(
      (to) => new RateLoad({ origin: `http://127.0.0.1:${to}`, perSecond: 50, atLeast: 500 }),
    );
    t.after(() => Promise.all(loads.map((load) => load.stop())));
    await apply('v1', 2);
    await isThere(2, 2);
    await apply('v1', 4);
    await isThere(2, 4);
    await apply('v1', 1);
    await isThere(2, 1);
    await apply('v1', 2);
    await isThere(2, 2);
    for (const result of await Promise.all(loads.map((load) => load.finish()))) {
      assert.deepEqual(result.failures.slice(0, 20), []);
      assert.equal(result.answered, result.sent);
      assert.ok(result.slowAnswered >= 10);
    }
  },
);

test(
  'datagrams reach an instance, and the next one when it is replaced',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const windlass = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(windlass.kubeconfig, dataDir);
    const port = await freePort();
    const apply = (version: string): Promise<unknown> =>
      kubectl.apply(
        abruptService({
          name: 'echo',
          version,
          replicas: 1,
          ingress: [`{port: ${port}, targetPort: http, protocol: UDP}`],
        }),
      );
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    t.after(() => socket.close());
    const answers: string[] = [];
    socket.on('message', (message) => answers.push(message.toString()));
    // Datagrams may be lost, so it goes on asking.
    const answered = (text: string): Promise<void> =>
      eventually(`the answer ${text}`, () => {
        socket.send('hello', port, '127.0.0.1');
        assert.ok(answers.includes(text));
      });
    await apply('v0');
    await answered('v0 hello');
    await apply('v1');
    await answered('v1 hello');
  },
);
