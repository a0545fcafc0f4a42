import { LRUCache } from 'lru-cache';
import type { ChannelEvent } from '../domain/channel.js';
import { joinId } from '../domain/stream-id.js';
import type { CommandBus } from '../runtime/command-bus.js';
import { comparePositions, type LogPosition, type RecordedEvent } from '../runtime/event-store.js';

/** Channels whose time zones are remembered; others are read again. */
const CHANNELS_CACHED_MAX = 10_000;

interface Setting {
  readonly since: LogPosition;
  readonly timeZone: string;
}

/**
 * The time zone of a channel as of a place in the log: the same answer whenever it is asked, whatever was configured since. Before
 * the first configuration it is that of the first.
 */
export class TimeZones {
  readonly #channels = new LRUCache<string, readonly Setting[]>({ max: CHANNELS_CACHED_MAX });

  constructor(private readonly bus: CommandBus) {}

  /** Takes note of a channel's event that has come by in the log. */
  learn({ streamId, event, position }: RecordedEvent<ChannelEvent>): void {
    const known = this.#channels.get(streamId);
    if (known !== undefined) this.#channels.set(streamId, withSetting(known, event, position));
  }

  /** Undefined for a channel that was never configured. */
  async at(channel: string, position: LogPosition): Promise<string | undefined> {
    const id = joinId(channel);
    let settings = this.#channels.get(id);
    if (settings === undefined) {
      settings = [];
      for await (const recorded of this.bus.history<ChannelEvent>('channel', id)) {
        settings = withSetting(settings, recorded.event, recorded.position);
      }
      if (settings.length > 0) this.#channels.set(id, settings);
    }
    const valid = settings.findLast(({ since }) => comparePositions(since, position) < 0);
    return (valid ?? settings[0])?.timeZone;
  }
}

const withSetting = (
  settings: readonly Setting[],
  { data }: ChannelEvent,
  since: LogPosition,
): readonly Setting[] => {
  const last = settings.at(-1);
  if (last !== undefined && (last.timeZone === data.timeZone || comparePositions(since, last.since) <= 0)) {
    return settings;
  }
  return [...settings, { since, timeZone: data.timeZone }];
};
