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

/** The filter of a list as far as the caller may see; undefined when there is nothing to see, as of {@link seenChannel}. */
export const seenFilter = <Filter extends { readonly channel?: string | undefined }>(
  filter: Filter,
  caller: Pick<Caller, 'channel'>,
): Filter | undefined => {
  const seen = seenChannel(filter.channel, caller);
  return seen === undefined ? undefined : { ...filter, ...seen };
};

/** The moment that a query names, if it does. */
export const momentOf = (instant: string | undefined): Date | undefined =>
  instant === undefined ? undefined : new Date(instant);

/** The answer where there is nothing to see. */
export const emptyPage = () => ({ status: 200 as const, body: { items: [], nextCursor: null } });
