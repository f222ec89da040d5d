// What `windlass certificates …` asks the server, and how its answer is shown.
import type { HttpClient } from '#controllers/machinery/client.ts';
import type { CommandIO } from '../command.ts';
import { formatTable } from '../output.ts';

const PATH = '/windlass/v1/certificates';
const DAY_MS = 86_400_000;

export interface CertificatesAnswer {
  readonly certificates: readonly { readonly name: string; readonly expires: string }[];
  readonly earlierAuthorities: number;
}

export async function readCertificates(
  client: HttpClient,
  signal: AbortSignal,
): Promise<CertificatesAnswer> {
  return (await client.getPath(PATH, signal)) as CertificatesAnswer;
}

export async function changeCertificates(
  client: HttpClient,
  change: 'renew' | 'rotate-authority' | 'forget-authorities',
  signal: AbortSignal,
): Promise<CertificatesAnswer> {
  const answer = await client.postBytes(`${PATH}/${change}`, new Uint8Array(), signal);
  return answer as CertificatesAnswer;
}

/** @param now milliseconds since the epoch */
export function showCertificates(
  answer: CertificatesAnswer,
  isJSON: boolean,
  io: Pick<CommandIO, 'out'>,
  now: number,
): void {
  if (isJSON) {
    io.out(`${JSON.stringify(answer)}\n`);
    return;
  }
  const rows = answer.certificates.map(({ name, expires }) => [
    name,
    expires,
    `${Math.floor((Date.parse(expires) - now) / DAY_MS)}d`,
  ]);
  io.out(formatTable(['CERTIFICATE', 'EXPIRES', 'LEFT'], rows));
  if (answer.earlierAuthorities > 0)
    io.out(
      `\n${answer.earlierAuthorities} former ${answer.earlierAuthorities === 1 ? 'authority is' : 'authorities are'} believed still;` +
        ' windlass certificates forget-authorities ends that\n',
    );
}
