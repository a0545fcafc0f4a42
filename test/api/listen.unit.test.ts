import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import { listen } from '../../src/api/listen.js';

const AT = { host: '127.0.0.1', port: 0 };

/** Sends bytes as they are and gives back all that comes until the other side closes. */
const talk = async (port: number, bytes: string): Promise<string> => {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  socket.write(bytes);
  await once(socket, 'close');
  return heard;
};

describe('listen', () => {
  test('a stop finishes what is in flight, closes what idles, and takes nothing new', async () => {
    const app = express();
    app.get('/slow', async (_, response) => {
      await sleep(200);
      response.json({ done: true });
    });
    app.get('/quick', (_, response) => {
      response.json({ done: true });
    });
    const api = await listen(app, AT);
    await (await fetch(`${api.url}/quick`)).text();
    const idle = connect(api.port, '127.0.0.1');
    await once(idle, 'connect');
    const slow = fetch(`${api.url}/slow`);
    await sleep(50);
    const startedAt = performance.now();
    const closed = api.close();
    await sleep(10);
    await expect(fetch(`${api.url}/quick`)).rejects.toThrow();
    const answer = await slow;
    expect(await answer.json()).toEqual({ done: true });
    expect(answer.headers.get('connection')).toBe('close');
    await closed;
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    idle.destroy();
  });

  test('a port that is taken is told at once', async () => {
    const app = express();
    const first = await listen(app, AT);
    await expect(listen(app, { ...AT, port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.close();
  });

  test('what is not HTTP gets a problem too', async () => {
    const api = await listen(express(), AT);
    const garbage = await talk(api.port, 'hello there\r\n\r\n');
    expect(garbage).toMatch(/^HTTP\/1\.1 400 /);
    expect(garbage).toContain('application/problem+json');
    expect(garbage).toContain('"code":"invalid_http"');
    const huge = await talk(api.port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`);
    expect(huge).toMatch(/^HTTP\/1\.1 431 /);
    expect(huge).toContain('"code":"headers_too_large"');
    const both = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc';
    expect(await talk(api.port, both)).toMatch(/^HTTP\/1\.1 400 /);
    await api.close();
  });
});
