import type { z } from 'zod';

/**
 * The written form of one type of event: its current version and schema, and how older versions become it.
 * `data` is plain JSON: amounts are decimal strings, times ISO 8601 strings, quantities integers.
 */
export interface EventDefinition {
  readonly type: string;
  /** From 1; raised when the shape changes. Every version ever written stays readable through `upcasts`. */
  readonly version: number;
  readonly schema: z.ZodType;
  /** `upcasts[n]` turns data of version n into data of version n + 1. */
  readonly upcasts?: Readonly<Record<number, (data: unknown) => unknown>>;
}

export const defineEvent = (definition: EventDefinition): EventDefinition => definition;
