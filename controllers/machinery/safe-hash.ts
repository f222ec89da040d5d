// Short hashes for names and labels. Pure.
import { hash as digestOf } from 'node:crypto';

/** Kubernetes' alphabet for names: no vowels and no look-alikes, so that no hash spells a word. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters of a SHA-256 over `text`, fit for names and labels. */
export function safeHash(text: string, length: number): string {
  const digest = digestOf('sha256', text, 'buffer');
  let hash = '';
  for (const byte of digest.subarray(0, length)) hash += ALPHABET.charAt(byte % ALPHABET.length);
  return hash;
}
