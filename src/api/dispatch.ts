import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import type { Clock } from '../runtime/clock.js';
import type { CommandContext } from '../runtime/command-bus.js';
import { PositionNotReached, type PositionWaiter } from '../runtime/position-waiter.js';
import type { ApiKeys, Caller } from './api-keys.js';
import { isStorableText, readBody } from './body.js';
import { canonicalJson, sha256 } from './canonical-json.js';
import type { HttpMetrics } from './metrics.js';
import { parsePosition, positionToken } from './position-token.js';
import { Problem, problemOf, sendProblem } from './problems.js';
import type { RateLimiter } from './rate-limit.js';
import type { Access, Answer, CommandContextMaker, RawCall, Route } from './route.js';

/** Requests under way in this process; one more is told to come back. */
export const REQUESTS_IN_FLIGHT_MAX = 4_096;
/** How long `?after=` waits for the read models. */
export const AFTER_WAIT_MS = 3_000;
/** Clocks differ; what is further ahead than this is a mistake. */
export const EFFECTIVE_AHEAD_MAX_MS = 5 * 60 * 1_000;

export interface DispatchParts {
  readonly keys: ApiKeys;
  /** Per key. */
  readonly requests: RateLimiter;
  /** Per address, for requests whose key is wrong. */
  readonly failures: RateLimiter;
  readonly waiter: Pick<PositionWaiter, 'waitForPosition'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: HttpMetrics;
}

const NOBODY: Caller = { keyId: 'nobody', role: 'reader', channel: undefined };
const HEADER_TEXT = /^[\x21-\x7e]{1,128}$/;

const textHeader = (request: Request, name: string): string | undefined => {
  const value = request.headers[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !HEADER_TEXT.test(value)) {
    throw new Problem('invalid_header', `${name} is 1 to 128 printable ASCII characters without blanks`);
  }
  return value;
};

/** `"3"` is version 3. */
const expectedVersionOf = (request: Request): number | undefined => {
  const tag = textHeader(request, 'if-match');
  if (tag === undefined) return undefined;
  const version = /^"(\d{1,9})"$/.exec(tag)?.[1];
  if (version === undefined) throw new Problem('invalid_header', 'if-match is one ETag as an answer gave it');
  return Number(version);
};

const requestIdOf = (request: Request): string => {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && HEADER_TEXT.test(given) ? given : randomUUID();
};

const tooMany = (seconds: number): Problem =>
  new Problem('too_many_requests', `wait ${seconds} s`, { headers: { 'Retry-After': String(seconds) } });

const authenticate = async (request: Request, access: Access, parts: DispatchParts): Promise<Caller> => {
  if (access === 'open') return NOBODY;
  const secret = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const caller = secret === undefined ? undefined : await parts.keys.find(secret);
  if (caller === undefined) {
    const wait = await parts.failures.take(request.socket.remoteAddress ?? '');
    throw wait === undefined
      ? new Problem('unauthenticated', 'send Authorization: Bearer and a key that is valid')
      : tooMany(wait);
  }
  const wait = await parts.requests.take(caller.keyId);
  if (wait !== undefined) throw tooMany(wait);
  if (caller.role !== 'admin' && !access.includes(caller.role)) {
    throw new Problem('forbidden', `a key of role ${caller.role} may not do that`);
  }
  return caller;
};

/** Of the handler's commands: who, for which request, when it happened. */
const contextMaker =
  (
    caller: Caller,
    correlationId: string,
    key: string | undefined,
    requestHash: string | undefined,
    now: Date,
  ): CommandContextMaker =>
  ({ effectiveAt, channel } = {}) => {
    if (effectiveAt !== undefined && Date.parse(effectiveAt) > now.getTime() + EFFECTIVE_AHEAD_MAX_MS) {
      throw new Problem('effective_in_future', `${effectiveAt} has not come yet`);
    }
    const of = channel ?? caller.channel;
    const context: CommandContext = {
      commandId: key === undefined ? randomUUID() : `${caller.keyId}:${key}`,
      correlationId,
      actor: `key:${caller.keyId}`,
      effectiveAt: effectiveAt ?? now.toISOString(),
      ...(of === undefined ? undefined : { channel: of }),
      ...(requestHash === undefined ? undefined : { requestHash }),
    };
    return context;
  };

/** Takes `after` out of the query and waits for it. */
const waited = async (route: Route, query: Record<string, unknown>, parts: DispatchParts) => {
  if (!route.awaitable || query.after === undefined) return query;
  const { after, ...rest } = query;
  const position = typeof after === 'string' ? parsePosition(after) : undefined;
  if (position === undefined) {
    const error = { path: '/after', in: 'query', code: 'custom', message: 'not a position' } as const;
    throw new Problem('invalid_request', '1 field(s) of the query are wrong', { errors: [error] });
  }
  try {
    await parts.waiter.waitForPosition(position, AFTER_WAIT_MS);
  } catch (cause) {
    if (!(cause instanceof PositionNotReached)) throw cause;
    const detail = `position ${positionToken(position)} is not in the read models yet`;
    throw new Problem('not_yet_visible', detail, { cause });
  }
  return rest;
};

const paramsOf = ({ params }: Request): unknown => {
  for (const value of Object.values(params)) {
    if (typeof value === 'string' && !isStorableText(value)) {
      throw new Problem('unknown_route', 'the path has characters that no id has');
    }
  }
  return params;
};

const queryOf = ({ query }: Request): Record<string, unknown> => {
  const given: Record<string, unknown> = { ...query };
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'string' && !isStorableText(value)) {
      const error = { path: `/${name}`, in: 'query', code: 'custom', message: 'has NUL' } as const;
      throw new Problem('invalid_request', '1 field(s) of the query are wrong', { errors: [error] });
    }
  }
  return given;
};

const send = (response: Response, answer: Answer): void => {
  const { status, body, raw, headers, position, replayed } = answer;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  if (position !== undefined) response.setHeader('Event-Position', positionToken(position));
  if (replayed) response.setHeader('Idempotent-Replayed', 'true');
  const content = raw?.content ?? (body === undefined ? '' : JSON.stringify(body));
  if (content.length > 0) {
    response.setHeader('Content-Type', raw?.contentType ?? 'application/json');
    response.setHeader('Content-Length', Buffer.byteLength(content));
  }
  response.end(content);
};

/**
 * What every request goes through, in this order: limits, key, role, idempotency, parameters, body, waiting, handler. All
 * problems end here.
 */
export const createDispatch = (parts: DispatchParts) => {
  const { clock, log, metrics } = parts;
  let inFlight = 0;

  const run = async (route: Route, request: Request, requestId: string): Promise<Answer> => {
    if (inFlight > REQUESTS_IN_FLIGHT_MAX) throw new Problem('overloaded', 'too many requests are under way');
    const caller = await authenticate(request, route.access, parts);
    const idempotencyKey = route.idempotent ? textHeader(request, 'idempotency-key') : undefined;
    const expectedVersion = route.versioned ? expectedVersionOf(request) : undefined;
    const params = paramsOf(request);
    const given = queryOf(request);
    const body = route.body === undefined ? undefined : await readBody(request);
    const query = await waited(route, given, parts);
    const requestHash =
      idempotencyKey === undefined
        ? undefined
        : sha256(`${request.method} ${request.path}\n${canonicalJson(body)}`);
    const now = clock();
    const context = contextMaker(caller, requestId, idempotencyKey, requestHash, now);
    const raw: RawCall = {
      params,
      query,
      body,
      caller,
      requestId,
      idempotencyKey,
      expectedVersion,
      now,
      context,
    };
    return route.run(raw);
  };

  return (route: Route) =>
    async (request: Request, response: Response): Promise<void> => {
      const startedAt = performance.now();
      const requestId = requestIdOf(request);
      response.setHeader('X-Request-Id', requestId);
      inFlight += 1;
      metrics.inFlight(inFlight);
      let problem: Problem | undefined;
      try {
        send(response, await run(route, request, requestId));
      } catch (error) {
        problem = problemOf(error);
        sendProblem(response, problem, requestId);
      } finally {
        inFlight -= 1;
        const ms = performance.now() - startedAt;
        metrics.answered(route.method, route.path, response.statusCode, ms / 1_000, inFlight);
        const line = { requestId, method: request.method, path: route.path, status: response.statusCode, ms };
        if (problem === undefined) log.debug(line);
        else if (problem.status >= 500)
          log.error({ ...line, code: problem.code, err: problem.cause }, problem.message);
        else log.debug({ ...line, code: problem.code });
      }
    };
};
