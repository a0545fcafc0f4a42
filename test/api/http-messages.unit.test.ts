import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import express from 'express';
import { listen } from '../../src/api/listen.js';

test('requests and answers are those of Express before Express sees them', async () => {
  const app = express();
  app.get('/here', (request, response) => {
    response.status(201).json({ path: request.path, app: request.app === app && response.app === app });
  });
  const api = await listen(app, { host: '127.0.0.1', port: 0 });
  const made: boolean[] = [];
  api.server.prependListener('request', (request, response) => {
    made.push(Object.getPrototypeOf(request) === app.request);
    made.push(Object.getPrototypeOf(response) === app.response);
  });
  const answer = await fetch(`${api.url}/here?x=1`);
  expect(answer.status).toBe(201);
  expect(await answer.json()).toEqual({ path: '/here', app: true });
  expect(made).toEqual([true, true]);
  await api.close();
});

test('an app that is not of Express is served as it is', async () => {
  const api = await listen((_: IncomingMessage, response: ServerResponse) => response.end('plain'), {
    host: '127.0.0.1',
    port: 0,
  });
  expect(await (await fetch(api.url)).text()).toBe('plain');
  await api.close();
});
