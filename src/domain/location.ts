import { z } from 'zod';
import type { Decider, DomainEvent } from './decider.js';
import { defineEvent } from './event-definition.js';
import { STORABLE_TEXT } from './schemas.js';

/** A place that holds stock: a warehouse, a store. */
const settings = z.object({
  name: z.string().min(1).max(200).regex(STORABLE_TEXT),
  /** ISO 3166 alpha-2. */
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
});

export const locationSettings = settings;
export type LocationSettings = z.infer<typeof settings>;
export type LocationEvent = DomainEvent<'LocationConfigured', LocationSettings>;
export type LocationCommand = { readonly type: 'configure'; readonly settings: LocationSettings };
export type LocationState = LocationSettings | null;

export const locationEvents = [defineEvent({ type: 'LocationConfigured', version: 1, schema: settings })];

export const location: Decider<LocationCommand, LocationEvent, LocationState> = {
  category: 'location',
  stateVersion: 1,
  initialState: null,
  decide: ({ settings: wanted }, state) =>
    JSON.stringify(settings.parse(wanted)) === JSON.stringify(state)
      ? []
      : [{ type: 'LocationConfigured', data: settings.parse(wanted) }],
  evolve: (_, event) => event.data,
};
