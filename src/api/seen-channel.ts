import type { Caller } from './api-keys.js';

/**
 * The channel that a list may be of: the caller's own, or what is asked for; all when both are absent. Undefined when another is asked
 * for than the caller's own: of that there is nothing to see.
 */
export const seenChannel = (
  asked: string | undefined,
  { channel: own }: Pick<Caller, 'channel'>,
): { readonly channel: string | undefined } | undefined =>
  own !== undefined && asked !== undefined && asked !== own ? undefined : { channel: own ?? asked };

/** The answer where there is nothing to see. */
export const emptyPage = () => ({ status: 200 as const, body: { items: [], nextCursor: null } });
