/**
 * Ids of streams. A stream is `{namespace}{category}-{id}`; the id is built from parts, each encoded on its own and
 * joined with `~`, so that no external id can collide with another or smuggle in a separator. Case is kept.
 */
const encodePart = (part: string): string => encodeURIComponent(part).replaceAll('~', '%7E');

/** `joinId('web', 'A 1')` is `web~A%201`. */
export const joinId = (...parts: readonly string[]): string => parts.map(encodePart).join('~');

/** The inverse of {@link joinId}. */
export const splitId = (id: string): string[] => id.split('~').map(decodeURIComponent);

export const orderIdOf = (channel: string, externalId: string): string => joinId(channel, externalId);
export const stockIdOf = (location: string, sku: string): string => joinId(location, sku);
