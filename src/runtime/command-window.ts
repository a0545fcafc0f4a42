import { COMMAND_WINDOW } from './command-bus.js';
import type { LogPosition, RecordedEvent, Revision } from './event-store.js';

/** What a stream remembers of a command that came with an idempotency key and wrote something. */
export interface RememberedCommand {
  readonly requestHash: string;
  /** Revisions of its first and last event. */
  readonly first: Revision;
  readonly last: Revision;
  readonly position: LogPosition;
}

/**
 * A stream's last {@link COMMAND_WINDOW} command ids, oldest dropped first. A function of the stream alone: folding the
 * same events again, or twice, yields the same window. Mutable, because it only ever grows by what is already recorded.
 */
export class CommandWindow {
  readonly #commands = new Map<string, RememberedCommand>();

  get(commandId: string): RememberedCommand | undefined {
    return this.#commands.get(commandId);
  }

  get size(): number {
    return this.#commands.size;
  }

  /** Oldest first; remembering them in this order makes the same window. */
  *entries(): Iterable<readonly [string, RememberedCommand]> {
    for (const [id, { requestHash, first, last, position }] of this.#commands)
      yield [id, { requestHash, first, last, position }];
  }

  remember(commandId: string, command: RememberedCommand): void {
    this.#commands.set(commandId, command);
    if (this.#commands.size <= COMMAND_WINDOW) return;
    for (const oldest of this.#commands.keys()) {
      this.#commands.delete(oldest);
      return;
    }
  }

  /** Takes part only where the metadata has a `requestHash`. A command's events follow each other without a gap. */
  fold({ metadata, revision, position }: RecordedEvent): void {
    const { commandId, requestHash } = metadata;
    if (requestHash === undefined) return;
    const known = this.#commands.get(commandId);
    if (known === undefined) {
      this.remember(commandId, { requestHash, first: revision, last: revision, position });
    } else if (revision === known.last + 1) {
      this.#commands.set(commandId, { ...known, last: revision, position });
    }
  }
}
