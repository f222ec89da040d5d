// A service (HTTP, and UDP on the same port) whose instances end at once when they are told to: whatever a proxy has not finished with by then fails, and is seen.
export interface AbruptServiceOptions {
  readonly name: string;
  readonly version: string;
  readonly replicas: number;
  /** Entries of spec.ingress, as YAML in one line each. */
  readonly ingress: readonly string[];
  /** `{order: StopFirst}` */
  readonly updateStrategy?: string;
  readonly gracePeriodSeconds?: number;
  /** As YAML in one line. The path /live says no once somebody has asked the instance for /sicken. */
  readonly livenessProbe?: string;
}

const PROGRAM = `
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
const { INSTANCE, VERSION, PORT = '8000' } = process.env;
let isSick = false;
const server = createServer((request, response) => {
  if (request.url === '/sicken') isSick = true;
  if (request.url === '/live' && isSick) response.statusCode = 500;
  let body = '';
  request.setEncoding('utf8').on('data', (part) => (body += part));
  request.on('end', () => {
    const answer = () => response.end(VERSION + ' ' + INSTANCE + ' ' + body + '\\n');
    if (request.url === '/slow') setTimeout(answer, 5000);
    else answer();
  });
});
server.listen(Number(PORT));
const socket = createSocket('udp4').bind(Number(PORT));
socket.on('message', (message, { port, address }) => socket.send(VERSION + ' ' + message, port, address));
process.on('SIGTERM', () => process.exit(0));
`;

/** ConfigMap and Service as one text. */
export function abruptService(options: AbruptServiceOptions): string {
  const { name, version, replicas, ingress, updateStrategy = '{}' } = options;
  const program = PROGRAM.split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}-program, namespace: default}
data:
  main.mjs: |
${program}
---
apiVersion: windlass.dev/v1alpha1
kind: Service
metadata: {name: ${name}, namespace: default}
spec:
  replicas: ${replicas}
  updateStrategy: ${updateStrategy}
  template:
    spec:
      terminationGracePeriodSeconds: ${options.gracePeriodSeconds ?? 10}
      containers:
        - name: main
          image: node:26-slim
          command: [node, app/main.mjs]
          env:
            - {name: VERSION, value: ${version}}
            - name: INSTANCE
              valueFrom: {fieldRef: {fieldPath: metadata.name}}
          ports: [{name: http, containerPort: 8000}]
          # An instance that a busy machine keeps waiting is slow, not away: what these tests are about is the proxy's care.
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1, timeoutSeconds: 20}
          livenessProbe: ${options.livenessProbe ?? 'null'}
          volumeMounts: [{name: program, mountPath: /app, readOnly: true}]
      volumes: [{name: program, configMap: {name: ${name}-program}}]
  ingress:
${ingress.map((entry) => `    - ${entry}`).join('\n')}
`;
}
