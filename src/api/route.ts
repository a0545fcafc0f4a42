import { z } from 'zod';
import type { CommandContext } from '../runtime/command-bus.js';
import type { LogPosition } from '../runtime/event-store.js';
import type { Caller, KeyRole } from './api-keys.js';
import { invalidRequest, type ProblemCode } from './problems.js';

/**
 * A route is a value: validation, authorization, the OpenAPI document and the test that walks every route are all made from it.
 */
export type Method = 'get' | 'post' | 'put' | 'delete';

/** Roles that may use a route besides `admin`; `open` needs no key. */
export type Access = 'open' | readonly Exclude<KeyRole, 'admin'>[];

export interface RouteResponse {
  readonly description: string;
  /** The JSON body; none when absent. */
  readonly schema?: z.ZodType;
  readonly contentType?: string;
}

/** What a handler gets: everything checked. */
export interface Call<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
  /** The version that `If-Match` names, on a route that takes it. */
  readonly expectedVersion?: number | undefined;
  readonly now: Date;
  /**
   * The context of a command of this request. With an Idempotency-Key the command can be repeated by it.
   * Problem: `effective_in_future`.
   */
  context(options?: { readonly effectiveAt?: string | undefined; readonly channel?: string }): CommandContext;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** How far the log was when this was decided. */
  readonly position?: LogPosition;
  readonly replayed?: boolean;
  /** Sent as it is instead of JSON. */
  readonly raw?: { readonly contentType: string; readonly content: string | Buffer };
}

// biome-ignore lint/complexity/noBannedTypes: the shape of an object without fields
type NoFields = z.ZodObject<{}>;

interface RouteBase {
  readonly method: Method;
  /** As OpenAPI writes it: `/v1/orders/{id}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** Problems of its own, besides those that every route may answer with. */
  readonly problems?: readonly ProblemCode[];
  /** Takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  /** Takes `If-Match` with a version, as an `ETag` of the thing gave it. */
  readonly versioned?: boolean;
  /** Takes `?after=`: waits until the read models have reached a position. */
  readonly awaitable?: boolean;
  /** Hidden from the OpenAPI document. */
  readonly internal?: boolean;
}

export interface RouteSpec<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>
  extends RouteBase {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Promise<Answer> | Answer;
}

/** What a request brought, not yet checked, and who brought it. */
export interface RawCall extends Omit<Call<unknown, unknown, unknown>, 'context'> {
  readonly context: CommandContextMaker;
}

export type CommandContextMaker = Call<unknown, unknown, unknown>['context'];

export interface Route extends RouteBase {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Validates, then handles. Throws problems. */
  run(raw: RawCall): Promise<Answer>;
}

const checked = <Schema extends z.ZodType>(
  schema: Schema | undefined,
  value: unknown,
  where: 'path' | 'query' | 'body',
): z.output<Schema> => {
  if (schema === undefined) return value as z.output<Schema>; // no schema: the handler's type says there is nothing
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalidRequest(parsed.error, where);
  return parsed.data;
};

/** A query that nobody asked for is a mistake; a health check may add what it likes. */
const NO_QUERY = z.strictObject({});

/** Closes a route over its types, so that routes of all shapes fit in one list. */
export const defineRoute = <
  P extends z.ZodObject = NoFields,
  Q extends z.ZodObject = NoFields,
  B extends z.ZodType = z.ZodUndefined,
>(
  spec: RouteSpec<P, Q, B>,
): Route => {
  const { handle, ...meta } = spec;
  const noQuery = spec.access === 'open' ? undefined : NO_QUERY;
  return {
    ...meta,
    run: async (raw) =>
      handle({
        ...raw,
        params: checked(spec.params, raw.params, 'path'),
        query: checked(spec.query ?? (noQuery as Q | undefined), raw.query, 'query'),
        body: checked(spec.body, raw.body, 'body'),
      }),
  };
};
