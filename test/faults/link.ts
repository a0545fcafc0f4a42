import { connect, createServer, type Socket } from 'node:net';

/**
 * A network between one client process and one server, whose faults are ours. A TCP proxy on a free loopback port:
 *   up       bytes pass, `delayMs` late
 *   refused  connections are reset, new ones at once
 *   silent   connections stand and nothing passes, either way (half open); those alive then never work again
 *   stalled  nothing passes now; everything does later, in order
 *   mute     requests pass, and are done; answers wait until later, and are lost when the link is cut before that
 */
export type LinkState = 'up' | 'refused' | 'silent' | 'stalled' | 'mute';

interface Direction {
  readonly to: Socket;
  readonly answers: boolean;
  waiting: { readonly bytes: Buffer; readonly dueAtMs: number }[];
}

/** Bytes kept for one direction while the link is stalled; more is a connection that breaks. */
const STALLED_MAX_BYTES = 16 * 1024 * 1024;

export class Link {
  readonly #server = createServer((client) => this.#accept(client));
  readonly #sockets = new Set<Socket>();
  readonly #directions = new Set<Direction>();
  readonly #doomed = new Set<Socket>();
  #state: LinkState = 'up';
  #delayMs = 0;

  private constructor(private readonly targetPort: number) {}

  static async open(targetPort: number): Promise<Link> {
    const link = new Link(targetPort);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the link is closed');
    return address.port;
  }

  /** Connections that stand and can carry something. */
  get connections(): number {
    return [...this.#sockets].filter((socket) => !this.#doomed.has(socket)).length / 2;
  }

  /** Resets every connection; new ones work. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Every byte comes so much later than it was sent. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  set(state: LinkState): void {
    const before = this.#state;
    this.#state = state;
    if (state === 'refused') this.cut();
    if (state === 'silent') for (const socket of this.#sockets) this.#doomed.add(socket);
    if (before === 'silent') for (const socket of this.#doomed) socket.resetAndDestroy();
    if (state === 'up' || state === 'mute') for (const direction of this.#directions) this.#flush(direction);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (this.#state === 'refused') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(this.targetPort, '127.0.0.1');
    const directions = [this.#carry(client, upstream, false), this.#carry(upstream, client, true)];
    const end = (): void => {
      for (const direction of directions) this.#directions.delete(direction);
      for (const socket of [client, upstream]) {
        this.#sockets.delete(socket);
        this.#doomed.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      if (this.#state === 'silent') this.#doomed.add(socket);
      // A connection that ends is ended as a whole: none of the protocols behind it uses half a one.
      socket.on('error', end).on('close', end).on('end', end);
    }
  }

  #carry(from: Socket, to: Socket, answers: boolean): Direction {
    const direction: Direction = { to, answers, waiting: [] };
    this.#directions.add(direction);
    from.on('data', (bytes) => {
      if (this.#doomed.has(from)) return;
      if (this.#passes(direction) && this.#delayMs === 0 && direction.waiting.length === 0) {
        to.write(bytes);
        return;
      }
      direction.waiting.push({ bytes, dueAtMs: performance.now() + this.#delayMs });
      const kept = direction.waiting.reduce((sum, { bytes: { length } }) => sum + length, 0);
      if (kept > STALLED_MAX_BYTES) from.destroy();
      else if (this.#passes(direction)) setTimeout(() => this.#flush(direction), this.#delayMs + 1);
    });
    return direction;
  }

  #passes({ answers }: Direction): boolean {
    return this.#state === 'up' || (this.#state === 'mute' && !answers);
  }

  #flush(direction: Direction): void {
    if (!this.#passes(direction)) return;
    const now = performance.now();
    for (let first = direction.waiting[0]; first !== undefined; first = direction.waiting[0]) {
      if (first.dueAtMs > now) {
        setTimeout(() => this.#flush(direction), first.dueAtMs - now + 1);
        return;
      }
      direction.waiting.shift();
      if (!direction.to.destroyed) direction.to.write(first.bytes);
    }
  }
}
