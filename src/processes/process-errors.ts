import type { Rejection } from '../domain/decider.js';
import type { Effect } from './order-effects.js';

/**
 * What must never happen between streams: a bug, or a hand in the log. None is retriable: the same again comes to the same. The API answers
 * 500 with the code, whoever runs many of them (an import) goes on with the others.
 */

/** Stock or a coupon did not follow the order or credit note that it belongs to. */
export class EffectRefused extends Error {
  readonly code = 'effect_refused';
  constructor(
    readonly ownerId: string,
    readonly effect: Effect,
    readonly rejection: Rejection,
  ) {
    super(`${ownerId}: ${effect.kind} refused: ${rejection.code} (${rejection.message})`);
    this.name = 'EffectRefused';
  }
}

/** A stream did not take what became of its own step. */
export class OutcomeRefused extends Error {
  readonly code = 'outcome_refused';
  constructor(stream: string, rejection: Rejection) {
    super(`${stream} does not take what was done: ${rejection.code} (${rejection.message})`);
    this.name = 'OutcomeRefused';
  }
}

/** A stream does not say what it must have said before. */
export class NotRecorded extends Error {
  readonly code = 'not_recorded';
  constructor(stream: string, what: string) {
    super(`${stream}: ${what} is not recorded`);
    this.name = 'NotRecorded';
  }
}
