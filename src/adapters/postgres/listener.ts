import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { DatabaseUnavailable } from '../../runtime/database.js';
import { toDatabaseError } from './errors.js';

const RECONNECT_FIRST_MS = 50;
const RECONNECT_MAX_MS = 2_000;

/**
 * LISTEN on one connection of its own, opened at the first `listen` and reopened for ever until `close`.
 * What is notified while it is down is lost, so every listener needs a poll behind it.
 */
export class Listener {
  private readonly callbacks = new Map<string, Set<(payload: string) => void>>();
  private connection: Promise<pg.Client> | undefined;
  private readonly closing = new AbortController();

  constructor(private readonly config: pg.ClientConfig) {}

  async listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(channel)) throw new TypeError(`not a channel name: ${channel}`);
    if (this.closing.signal.aborted) throw new DatabaseUnavailable('closed', 'the database is closed');
    const known = this.callbacks.get(channel);
    // One object per call, so that the same function may listen twice and stop once.
    const callback = (payload: string) => onNotify(payload);
    if (known !== undefined) known.add(callback);
    else this.callbacks.set(channel, new Set([callback]));
    try {
      const client = await this.connect();
      await client.query(`LISTEN ${channel}`);
    } catch (error) {
      this.forget(channel, callback);
      throw toDatabaseError(error);
    }
    return async () => {
      if (!this.forget(channel, callback) || this.closing.signal.aborted) return;
      const client = await this.connection?.catch(() => undefined);
      // Somebody may have come meanwhile; an UNLISTEN sent after their LISTEN would make them deaf.
      if (this.callbacks.has(channel)) return;
      await client?.query(`UNLISTEN ${channel}`).catch(() => undefined);
    };
  }

  /** True when nobody is left on the channel. */
  private forget(channel: string, callback: (payload: string) => void): boolean {
    const set = this.callbacks.get(channel);
    if (!set?.delete(callback) || set.size > 0) return false;
    this.callbacks.delete(channel);
    return true;
  }

  private connect(): Promise<pg.Client> {
    this.connection ??= this.open().catch((error: unknown) => {
      this.connection = undefined;
      throw error;
    });
    return this.connection;
  }

  private async open(): Promise<pg.Client> {
    const client = new pg.Client(this.config);
    let lost = false;
    const onLost = () => {
      if (lost) return;
      lost = true;
      this.connection = undefined;
      client.end().catch(() => undefined);
      if (!this.closing.signal.aborted) void this.reconnect();
    };
    // Before `connect` resolves its rejection is the report; afterwards these events are.
    client.on('error', () => undefined);
    client.on('notification', ({ channel, payload }) => {
      for (const callback of this.callbacks.get(channel) ?? []) callback(payload ?? '');
    });
    await client.connect();
    client.on('error', onLost);
    client.on('end', onLost);
    for (const channel of this.callbacks.keys()) await client.query(`LISTEN ${channel}`);
    return client;
  }

  private async reconnect(): Promise<void> {
    for (
      let wait = RECONNECT_FIRST_MS;
      this.callbacks.size > 0;
      wait = Math.min(wait * 2, RECONNECT_MAX_MS)
    ) {
      try {
        await delay(wait, undefined, { signal: this.closing.signal });
        await this.connect();
        return;
      } catch {
        if (this.closing.signal.aborted) return;
      }
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.callbacks.clear();
    const client = await this.connection?.catch(() => undefined);
    await client?.end().catch(() => undefined);
  }
}
