// What the handlers of the console need of it: files to hand out, and sessions to begin and end.
import type { UserInfo } from '../api/user.ts';

/** A file of the console as it travels. */
export interface ConsoleFile {
  readonly contentType: string;
  /** With its quotes. */
  readonly etag: string;
  readonly identity: Buffer;
  readonly gzip: Buffer;
  readonly brotli: Buffer;
}

/** How whoever signs in has shown who they are: a session ends with it. */
export interface SignInProof {
  /** The bearer token that was shown; absent for a client certificate. */
  readonly token: string | undefined;
  /** Milliseconds since the epoch; Infinity where the token itself knows. */
  readonly validUntil: number;
}

export interface ConsoleSession {
  /** A bearer token of this server. */
  readonly token: string;
  readonly user: UserInfo;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** Gone: never there, or too late. */
export type CodeState = 'Open' | 'Used' | 'Gone';

export interface OfferedCode {
  readonly code: string;
  /** Names the code, and can be known to everybody. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

export interface ConsolePort {
  /** Undefined: there is no such file. @param name `main.ts`; '' for the page itself */
  file(name: string): Promise<ConsoleFile | undefined>;
  readonly sessions: {
    /** Whether the token is one that a code was exchanged for. */
    isSession(token: string): boolean;
    /** What has become of the code with that id, to whoever asked for it. */
    stateOf(id: string, user: UserInfo): CodeState;
    /** A code that can be exchanged once, within a minute, for a session of that user. */
    offer(user: UserInfo, proof: SignInProof): OfferedCode;
    /** Undefined: never offered, used before, or too late. */
    redeem(code: string): ConsoleSession | undefined;
    end(token: string): void;
  };
}
