// Bytes of a DNS query in, bytes of the answer out: names of the cluster domain are answered here, all others by the resolvers of this
// machine. Whatever comes in, it answers or stays silent; it never throws.
import { decode, encode } from 'dns-packet';
import type { DecodedPacket, Packet } from 'dns-packet';
import {
  answerQuestion,
  FORMAT_ERROR,
  isInDomain,
  NOT_IMPLEMENTED,
  refusal,
  SERVER_FAILURE,
} from './dns-answer.ts';
import type { NameView } from './dns-answer.ts';

export type Transport = 'udp' | 'tcp';

export interface DNSResolverOptions {
  /** Without dots at its ends, in lower case. */
  readonly domain: string;
  readonly view: NameView;
  /** Called before a name of the domain is answered. */
  readonly asked: (name: string) => Promise<void>;
  /** Asks the machine's own resolvers. Rejects when none answers. */
  readonly forward: (query: Buffer, transport: Transport) => Promise<Buffer>;
  readonly counted: (result: 'answered' | 'forwarded' | 'failed' | 'refused') => void;
}

const HEADER_BYTES = 12;
const OPCODE_BITS = 0x7800;
/** Without EDNS, and the most that is sent with it: what passes every network unfragmented. */
const PLAIN_UDP_BYTES = 512;
const LARGEST_UDP_BYTES = 1_232;
const TRUNCATED = 0x0200;

/** undefined: no answer is due. */
export async function resolveQuery(
  bytes: Buffer,
  transport: Transport,
  options: DNSResolverOptions,
): Promise<Buffer | undefined> {
  const { counted } = options;
  if (bytes.length < HEADER_BYTES) return undefined;
  const id = bytes.readUInt16BE(0);
  const flags = bytes.readUInt16BE(2);
  // An answer is not answered: two servers would do so for ever.
  if ((flags & 0x8000) !== 0) return undefined;
  const query = decoded(bytes);
  const [question] = query?.questions ?? [];
  if (query === undefined || question === undefined || query.questions?.length !== 1) {
    counted('refused');
    return encode(refusal(id, flags, FORMAT_ERROR, undefined));
  }
  if ((flags & OPCODE_BITS) !== 0) {
    counted('refused');
    return encode(refusal(id, flags, NOT_IMPLEMENTED, undefined));
  }
  try {
    if (!isInDomain(question.name, options.domain)) {
      const answer = await options.forward(bytes, transport);
      counted('forwarded');
      return answer;
    }
    if ((question.class as string | undefined) !== 'IN') {
      counted('refused');
      return encode(refusal(id, flags, NOT_IMPLEMENTED, question));
    }
    await options.asked(question.name.toLowerCase());
    const answer = answerQuestion(query, question, options.domain, options.view);
    counted('answered');
    return fitted(answer, query, transport);
  } catch {
    counted('failed');
    return encode(refusal(id, flags, SERVER_FAILURE, question));
  }
}

function decoded(bytes: Buffer): DecodedPacket | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

/** With the client's EDNS repeated, and cut to what it takes. */
function fitted(answer: Packet, query: DecodedPacket, transport: Transport): Buffer {
  const asked = query.additionals?.find(({ type }) => type === 'OPT');
  const offered = asked?.type === 'OPT' ? asked.udpPayloadSize : PLAIN_UDP_BYTES;
  const extension: Packet['additionals'] =
    asked === undefined
      ? []
      : [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: LARGEST_UDP_BYTES,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ];
  const whole = encode({ ...answer, additionals: [...(answer.additionals ?? []), ...extension] });
  const limit = Math.max(PLAIN_UDP_BYTES, Math.min(offered, LARGEST_UDP_BYTES));
  if (transport === 'tcp' || whole.length <= limit) return whole;
  return encode({
    ...answer,
    flags: (answer.flags ?? 0) | TRUNCATED,
    answers: [],
    authorities: [],
    additionals: extension,
  });
}
