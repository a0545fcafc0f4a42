import type { Rejection } from '../domain/decider.js';
import type { LogPosition } from '../runtime/event-store.js';
import type { Caller } from './api-keys.js';
import { Problem, rejected } from './problems.js';
import type { Answer, Call } from './route.js';

interface Decided {
  readonly position: LogPosition;
  readonly status: 'accepted' | 'rejected';
  readonly rejection?: Rejection;
  readonly replayed?: boolean;
  readonly events?: readonly unknown[];
}

/**
 * The answer to a command: 201 when it wrote something, 200 when that had been written before. Throws the problem of a
 * rejected one.
 */
export const decided = (result: Decided, body: unknown, headers?: Record<string, string>): Answer => {
  if (result.rejection !== undefined) throw rejected(result.rejection, result.position);
  const replayed = result.replayed === true || result.events?.length === 0;
  return {
    status: replayed ? 200 : 201,
    body,
    position: result.position,
    replayed,
    ...(headers === undefined ? {} : { headers }),
  };
};

/** The id a body brought, or else the Idempotency-Key. Problem: `idempotency_key_required`. */
export const idOrKey = (
  given: string | undefined,
  { idempotencyKey }: Pick<Call<unknown, unknown, unknown>, 'idempotencyKey'>,
  field: string,
): string => {
  const id = given ?? idempotencyKey;
  if (id === undefined) {
    throw new Problem('idempotency_key_required', `send ${field} or an Idempotency-Key`);
  }
  return id;
};

/** Whether a caller may see what belongs to a channel. */
export const seesChannel = ({ role, channel }: Caller, of: string): boolean =>
  role !== 'channel' || channel === of;

/** For writes that name a channel. Problem: `forbidden_channel`. */
export const requireChannel = (caller: Caller, of: string): void => {
  if (!seesChannel(caller, of)) throw new Problem('forbidden_channel', 'the key is of another channel');
};
