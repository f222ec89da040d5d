// The image that holds the namespaces of a Pod: one program that sleeps for ever, written here byte for byte and imported into the
// Engine. So no registry is asked, and nothing that belongs to one container of the Pod must outlive it for the others. Pure.

/** Never pulled: when it is missing it is made again. The number is that of its content. */
export const PAUSE_IMAGE = 'windlass.dev/pause:1';
export const PAUSE_PATH = '/pause';

const BASE = 0x40_00_00;
const HEADER_BYTES = 64 + 56;
/** struct sigaction of the kernel: SIG_IGN and zeros. The kernel then reaps what is orphaned in a shared process namespace. */
const IGNORE = [1, ...Array.from({ length: 31 }, () => 0)];

interface Machine {
  /** e_machine of ELF. */
  readonly elf: number;
  /** rt_sigaction(SIGCHLD, IGNORE, NULL, 8), then wait for a signal, for ever. */
  readonly code: (ignoreAddress: number) => Buffer;
}

const MACHINES: Readonly<Record<string, Machine>> = {
  x86_64: {
    elf: 62,
    code: (ignoreAddress) => {
      const ignore = [0xb8, 13, 0, 0, 0, 0xbf, 17, 0, 0, 0, 0xbe, 0, 0, 0, 0, 0x31, 0xd2];
      const call = [0x41, 0xba, 8, 0, 0, 0, 0x0f, 0x05];
      const pauseAndAgain = [0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7];
      const code = Buffer.from([...ignore, ...call, ...pauseAndAgain]);
      code.writeUInt32LE(ignoreAddress, 11);
      return code;
    },
  },
  aarch64: {
    elf: 183,
    code: (ignoreAddress) => {
      const move = (register: number, value: number): number =>
        0xd2_80_00_00 + (value << 5) + register;
      const away = ignoreAddress - (BASE + HEADER_BYTES + 8);
      const address = 0x10_00_00_00 + (away & 3) * 2 ** 29 + ((away >> 2) << 5) + 1;
      const system = 0xd4_00_00_01;
      const ignore = [move(8, 134), move(0, 17), address, move(2, 0), move(3, 8), system];
      const nothing = [0, 1, 2, 3, 4].map((register) => move(register, 0));
      const pollAndAgain = [move(8, 73), ...nothing, system, 0x17_ff_ff_f9];
      return words([...ignore, ...pollAndAgain]);
    },
  },
};
const SAME: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** A tar archive with the one file of the image. @param architecture as `docker info` says it. @throws Error for one without code */
export function pauseArchive(architecture: string): Buffer {
  const machine = MACHINES[SAME[architecture] ?? architecture];
  if (machine === undefined) {
    throw new Error(
      `the Docker Engine runs on ${architecture}; the program that holds a Pod's network exists for ${Object.keys(MACHINES).join(' and ')}: use hostNetwork, or --runtime process`,
    );
  }
  return archive(PAUSE_PATH.slice(1), program(machine));
}

function program(machine: Machine): Buffer {
  const { length } = machine.code(0);
  const ignoreAddress = BASE + HEADER_BYTES + Math.ceil(length / 8) * 8;
  const code = Buffer.alloc(Math.ceil(length / 8) * 8);
  machine.code(ignoreAddress).copy(code);
  const size = HEADER_BYTES + code.length + IGNORE.length;
  const header = Buffer.alloc(HEADER_BYTES);
  // 64 bits, little endian, an executable for Linux, one segment that is loaded whole.
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine.elf, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(BASE + HEADER_BYTES), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(5, 68);
  header.writeBigUInt64LE(BigInt(BASE), 80);
  header.writeBigUInt64LE(BigInt(BASE), 88);
  header.writeBigUInt64LE(BigInt(size), 96);
  header.writeBigUInt64LE(BigInt(size), 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([header, code, Buffer.from(IGNORE)]);
}

function words(values: readonly number[]): Buffer {
  const code = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) code.writeUInt32LE(value, index * 4);
  return code;
}

function archive(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000755\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\0', 257);
  header.write('00', 263);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}
