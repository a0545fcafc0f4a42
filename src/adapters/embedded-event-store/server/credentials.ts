import { createHash, timingSafeEqual } from 'node:crypto';
import { notAuthenticated } from '../errors.js';
import type { Gate } from './grpc-server.js';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Without credentials everybody may do everything; with them, only their bearer. What is `open` stays so. */
export function gateFor(credentials: Credentials | undefined, open: readonly string[]): Gate {
  if (credentials === undefined) return () => undefined;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(`${credentials.user}:${credentials.password}`);
  return (path, authorization) => {
    if (open.includes(path)) return;
    const [scheme, value] = (authorization ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'basic' || value === undefined) throw notAuthenticated();
    const given = digest(Buffer.from(value, 'base64').toString('utf8'));
    if (!timingSafeEqual(given, wanted)) throw notAuthenticated();
  };
}
