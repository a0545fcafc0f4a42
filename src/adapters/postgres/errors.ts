import { types } from 'node:util';
import { DatabaseUnavailable } from '../../runtime/database.js';

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** SQLSTATE classes and codes after which the same statement may succeed: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const reasonOf = (code: string): DatabaseUnavailable['reason'] | undefined => {
  if (NETWORK_CODES.has(code)) return 'connection';
  if (code === '57014' || code === '55P03' || code === '25P03' || code === '25P04') return 'timeout';
  if (code === '40001' || code === '40P01') return 'conflict';
  // 08 connection, 53 resources, 57P admin shutdown, crash, cannot connect now; 58 system errors such as a full disk.
  if (/^(08|53|57P|58)/.test(code)) return 'connection';
  return undefined;
};

// node-postgres reports a lost or refused connection by plain errors without a code.
const LOST_CONNECTION =
  /connection terminated|connection ended|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|client was closed|cannot use a pool after calling end/i;

/** What a caller can act on: {@link DatabaseUnavailable} for what may pass, the driver's own error for the rest. */
export const toDatabaseError = (error: unknown): unknown => {
  // isNativeError, because Node's own errors come from another realm inside a test runner.
  if (!types.isNativeError(error) || error instanceof DatabaseUnavailable) return error;
  const code = (error as { code?: unknown }).code;
  const reason =
    (typeof code === 'string' ? reasonOf(code) : undefined) ??
    (LOST_CONNECTION.test(error.message) ? 'connection' : undefined);
  if (reason !== undefined) {
    const detail = error.message === '' ? String(code) : error.message;
    return new DatabaseUnavailable(reason, `PostgreSQL is unavailable: ${detail}`, { cause: error });
  }
  // The driver's stack ends in its socket handler; that of the caller says which statement it was.
  Error.captureStackTrace(error, toDatabaseError);
  return error;
};
