import { connect, createServer, type Server, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Connections open now. */
  readonly connections: number;
  /** From now on nothing passes on the connections open now, and nobody is told: a dead network. New ones work. */
  freeze(): void;
  /** The same for what the server sends only: requests arrive, answers do not. */
  swallowAnswers(): void;
  /** Resets all connections open now. */
  cut(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  frozen: boolean;
  mute: boolean;
}

/** A TCP proxy on a free loopback port whose network can be made to fail. */
export const startTcpProxy = async (targetPort: number): Promise<TcpProxy> => {
  const pairs = new Set<Pair>();
  const server: Server = createServer((client) => {
    const pair: Pair = { client, server: connect(targetPort, '127.0.0.1'), frozen: false, mute: false };
    pairs.add(pair);
    client.on('data', (bytes) => {
      if (!pair.frozen) pair.server.write(bytes);
    });
    pair.server.on('data', (bytes) => {
      if (!pair.frozen && !pair.mute) pair.client.write(bytes);
    });
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      pair.server.destroy();
    };
    for (const socket of [client, pair.server]) {
      socket.on('error', end);
      socket.on('close', end);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = (): void => {
    for (const { client, server: upstream } of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };
  return {
    port: address.port,
    get connections() {
      return pairs.size;
    },
    freeze() {
      for (const pair of pairs) pair.frozen = true;
    },
    swallowAnswers() {
      for (const pair of pairs) pair.mute = true;
    },
    cut,
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
