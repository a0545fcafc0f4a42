import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Rejection } from '../domain/decider.js';
import type { LogPosition } from '../runtime/event-store.js';
import { positionToken } from './position-token.js';

/**
 * Every "no" of the API, made here and nowhere else: RFC 9457 problem details with a stable `code`.
 *
 * 400 the request cannot be read as what the route takes   401/403 who asks   404 there is no such thing (for this key)
 * 409 the state of the thing does not allow it: read it again before another try   410 it is gone for ever   412/428 its version
 * 422 understood, but the content can never be right        429/503 try the same again after `Retry-After` seconds
 */
export const PROBLEMS = {
  // reading the request
  invalid_http: [400, 'The request is not HTTP'],
  invalid_json: [400, 'The body is not JSON'],
  invalid_request: [400, 'The request is not what this route takes'],
  invalid_header: [400, 'A header is malformed'],
  invalid_cursor: [400, 'The cursor is not one of this list'],
  idempotency_key_required: [400, 'Without an id in the body an Idempotency-Key is needed'],
  request_timeout: [408, 'The request took too long to arrive'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'Bodies are JSON'],
  headers_too_large: [431, 'The headers are too large'],
  // who asks, for what
  unauthenticated: [401, 'A valid API key is needed'],
  forbidden: [403, 'The role of this key does not allow it'],
  forbidden_channel: [403, 'This key belongs to another channel'],
  wrong_role: [403, 'The review is for another role to resolve'],
  unknown_route: [404, 'There is no such route'],
  method_not_allowed: [405, 'The route does not take this method'],
  too_many_requests: [429, 'Too many requests'],
  // things that are not there
  unknown_order: [404, 'There is no such order'],
  unknown_channel: [404, 'There is no such channel'],
  unknown_location: [404, 'There is no such location'],
  unknown_stock: [404, 'The SKU was never seen'],
  unknown_coupon: [404, 'There is no such coupon'],
  coupon_unknown: [404, 'There is no such coupon'],
  unknown_key: [404, 'There is no such key'],
  unknown_review: [404, 'The order has no such review'],
  unknown_change: [404, 'The order has no such change'],
  unknown_return: [404, 'The order has no such return'],
  unknown_exchange: [404, 'The order has no such exchange'],
  unknown_person: [404, 'Nothing is known of the person'],
  no_delivery_address: [404, 'No address is known to deliver the order to'],
  person_erased: [410, 'The person was erased'],
  unknown_payment: [404, 'The order has no such payment'],
  unknown_capture: [404, 'The payment has no such capture'],
  unknown_refund: [404, 'The payment has no such refund'],
  unknown_split: [404, 'The order has no such split'],
  unknown_consignment: [404, 'There is no such consignment'],
  // the state of the thing does not allow it
  order_exists: [409, 'Another order has this id'],
  coupon_exists: [409, 'The code was issued with other terms'],
  id_reused: [409, 'The id was recorded with other content'],
  wrong_status: [409, 'The order is in another status'],
  order_held: [409, 'The order waits for a review'],
  change_resolved: [409, 'The change was resolved otherwise'],
  allocation_changed: [409, 'The order was allocated meanwhile: try again'],
  too_many_changes: [409, 'The order has too many changes'],
  review_resolved: [409, 'The review was resolved otherwise'],
  too_many_reviews: [409, 'The order has too many reviews'],
  payment_due: [409, 'The order waits for its payment'],
  wrong_payment_status: [409, 'The payment is in another status'],
  payment_captured: [409, 'Money of this payment was captured'],
  movement_done: [409, 'The money has moved'],
  exceeds_authorised: [409, 'More than is authorised and not captured'],
  exceeds_captured: [409, 'More than was captured and not given back'],
  below_captured: [409, 'More was captured than that'],
  too_many_payments: [409, 'The order has too many payments'],
  too_many_movements: [409, 'The payment has too many captures, refunds or chargebacks'],
  asked_of_provider: [409, 'The provider of this payment tells us itself'],
  too_many_splits: [409, 'The order was split too often'],
  split_shipped: [409, 'Something of the split was shipped'],
  not_mergeable: [409, 'The orders cannot leave together'],
  nothing_open: [409, 'Nothing is left to do that with'],
  exceeds_open_quantity: [409, 'More than is open'],
  exceeds_shipped_quantity: [409, 'More than was shipped and not returned'],
  not_allocated: [409, 'Nothing holds that many units'],
  too_many_rounds: [409, 'The order was allocated too often'],
  too_many_sources: [409, 'The order has too many locations'],
  wrong_return_status: [409, 'The return is in another state'],
  exceeds_requested_quantity: [409, 'More than was requested to come back'],
  inspection_incomplete: [409, 'Not every received unit is accounted for'],
  exceeds_paid: [409, 'More than is left of what was charged'],
  exceeds_credit: [409, 'More than is left of the credit of the return'],
  too_many_returns: [409, 'The order has too many requests for returns'],
  too_many_allowances: [409, 'The order has too many allowances'],
  too_many_exchanges: [409, 'The order has too many exchanges'],
  insufficient_stock: [409, 'Not enough stock'],
  insufficient_on_hand: [409, 'Not that much on hand'],
  stale_on_hand: [409, 'On hand has changed'],
  below_held: [409, 'Units are promised to orders'],
  too_much_stock: [409, 'More than a location can hold'],
  hold_ended: [409, 'The hold has ended'],
  hold_conflict: [409, 'The hold is open with another quantity'],
  exceeds_hold: [409, 'More than is held'],
  coupon_exhausted: [409, 'The coupon is used up'],
  coupon_not_yet_valid: [409, 'The coupon is not yet valid'],
  coupon_expired: [409, 'The coupon has expired'],
  coupon_wrong_channel: [409, 'The coupon is not for this channel'],
  coupon_wrong_currency: [409, 'The coupon is in another currency'],
  wrong_period: [409, 'The entry belongs to another period'],
  cause_skipped: [409, 'The entry before it is not posted yet'],
  stale_version: [412, 'It was changed since'],
  version_required: [428, 'Changing it needs If-Match'],
  // the content can never be right
  idempotency_key_reused: [422, 'The Idempotency-Key came with another request before'],
  invalid_amount: [422, 'Not an amount of the currency'],
  tax_mismatch: [422, 'The parts of a tax do not come to it'],
  rate_missing: [422, 'The channel has no rate for the currency'],
  duplicate_rate: [422, 'Two rates are of the same currency'],
  invalid_rate: [422, 'Nothing can be settled at this rate'],
  external_id_too_long: [422, 'The id made of that of the old order is too long: name one'],
  amount_too_large: [422, 'The amount is too large'],
  currency_not_accepted: [422, 'The channel does not take this currency'],
  location_not_set_up: [422, 'A location that the request names was never set up'],
  unknown_provider: [422, 'There is no such payment provider'],
  unknown_line: [422, 'The order has no such line'],
  wrong_location: [422, 'The line is elsewhere'],
  too_many_lines: [422, 'Too many lines'],
  too_many_units: [422, 'Too many units of a SKU'],
  duplicate_line: [422, 'Two lines have the same id'],
  duplicate_coupon: [422, 'A coupon is given twice'],
  coupons_not_accepted: [422, 'An order that may not be rejected takes no coupons'],
  not_goods: [422, 'Only goods can be split off'],
  duplicate_order: [422, 'An order is named twice'],
  too_few_orders: [422, 'Too few orders'],
  too_many_orders: [422, 'Too many orders'],
  duplicate_rule: [422, 'Two rules have the same id'],
  invalid_currency: [422, 'Not an ISO 4217 currency'],
  unknown_account: [422, 'The chart has no such account'],
  unbalanced: [422, 'The entry does not balance'],
  empty_entry: [422, 'The entry posts nothing'],
  effective_in_future: [422, 'The effective time is in the future'],
  append_too_large: [422, 'Too large to be recorded'],
  history_too_long: [422, 'Too many events for an answer at once'],
  // try again
  overloaded: [503, 'Too many requests at once'],
  command_queue_full: [503, 'Too many commands wait'],
  stream_contended: [503, 'Too many write to the same thing'],
  command_bus_closed: [503, 'The service is stopping'],
  event_store_unavailable: [503, 'The log cannot be reached'],
  database_unavailable: [503, 'The read models cannot be reached'],
  vault_closed: [503, 'The vault for personal data has no key'],
  not_yet_visible: [503, 'The read models have not reached this position yet'],
  outcome_unknown: [503, 'The outcome is not known yet; the same request again will tell'],
  vault_key_unknown: [500, 'The key of the record is not there'],
  vault_record_invalid: [500, 'The record was damaged or is of somebody else'],
  effect_refused: [500, 'Stock or a coupon did not follow what it belongs to'],
  outcome_refused: [500, 'What was done could not be recorded'],
  not_recorded: [500, 'Something that must be recorded is not'],
  internal_error: [500, 'Something went wrong here'],
} as const satisfies Readonly<Record<string, readonly [status: number, title: string]>>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Fields named in one problem at most; more are only counted. */
export const FIELD_ERRORS_MAX = 20;
const FIELD_TEXT_LENGTH_MAX = 200;
const RETRY_AFTER_SECONDS = 1;

export interface FieldError {
  /** JSON pointer into `in`. */
  readonly path: string;
  readonly in: 'body' | 'query' | 'path' | 'header';
  readonly code: string;
  readonly message: string;
}

export interface ProblemExtras {
  readonly errors?: readonly FieldError[];
  readonly details?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the state was when a command was rejected. */
  readonly position?: LogPosition;
  readonly cause?: unknown;
}

/** Thrown anywhere below a route, sent by the app. */
export class Problem extends Error {
  readonly status: number;
  constructor(
    readonly code: ProblemCode,
    detail: string,
    readonly extras: ProblemExtras = {},
  ) {
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'Problem';
    this.status = PROBLEMS[code][0];
  }
}

const isProblemCode = (code: unknown): code is ProblemCode => typeof code === 'string' && code in PROBLEMS;

/** What a decider refused. A code that is not in the table is a bug; a test reads the domain for them. */
export const rejected = ({ code, message, details }: Rejection, position?: LogPosition): Problem =>
  isProblemCode(code)
    ? new Problem(code, message, {
        ...(details === undefined ? {} : { details }),
        ...(position === undefined ? {} : { position }),
      })
    : new Problem('internal_error', 'the request was refused for an unlisted reason', {
        cause: new Error(`rejection ${code} is not in the table of problems: ${message}`),
      });

const cut = (text: string): string =>
  text.length > FIELD_TEXT_LENGTH_MAX ? `${text.slice(0, FIELD_TEXT_LENGTH_MAX)}…` : text;

const pointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${cut(String(part)).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** What zod found, as pointers to the fields. Bounded, whatever was sent. */
export const invalidRequest = (error: z.ZodError, where: FieldError['in']): Problem => {
  const errors: FieldError[] = [];
  let count = 0;
  const add = (path: readonly PropertyKey[], code: string, message: string): void => {
    count += 1;
    if (errors.length < FIELD_ERRORS_MAX)
      errors.push({ path: pointer(path), in: where, code, message: cut(message) });
  };
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) add([...issue.path, key], 'unknown_field', 'there is no such field');
    } else add(issue.path, issue.code, issue.message);
  }
  return new Problem('invalid_request', `${count} field(s) of the ${where} are wrong`, { errors });
};

/** Any error as the problem to send. Unexpected ones keep their story for the log and tell the client nothing of it. */
export const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (isProblemCode(code)) return new Problem(code, PROBLEMS[code][1], { cause: error });
  return new Problem('internal_error', 'the request id leads to the story in the log', { cause: error });
};

/** The body of a problem. */
export const problemBody = (problem: Problem, requestId: string): Record<string, unknown> => ({
  type: `urn:holdfast:problem:${problem.code}`,
  title: PROBLEMS[problem.code][1],
  status: problem.status,
  code: problem.code,
  detail: problem.message,
  instance: `urn:holdfast:request:${requestId}`,
  ...(problem.extras.errors === undefined ? {} : { errors: problem.extras.errors }),
  ...(problem.extras.details === undefined ? {} : { details: problem.extras.details }),
});

export const sendProblem = (response: ServerResponse, problem: Problem, requestId: string): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { headers, position } = problem.extras;
  if (problem.status === 503) response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  if (position !== undefined) response.setHeader('Event-Position', positionToken(position));
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  const text = JSON.stringify(problemBody(problem, requestId));
  response.statusCode = problem.status;
  response.setHeader('Content-Type', 'application/problem+json');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
};
