import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

/** The program as a newcomer runs it: no service, no setting but the data directory. */
const PROGRAM = join(process.cwd(), 'dist', 'cli', 'main.js');
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdfast-program-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const environment = (): NodeJS.ProcessEnv => {
  const { DATABASE_URL: _, EVENTSTORE_URL: __, REDIS_URL: ___, NODE_OPTIONS: ____, ...rest } = process.env;
  return { ...rest, HOLDFAST_DATA_DIR: dir };
};

const run = (...args: string[]) =>
  spawnSync(process.execPath, [PROGRAM, ...args], { env: environment(), encoding: 'utf8', timeout: 120_000 });

/** Processes that have our directory in their command line or their environment's data directory. */
const leftBehind = (): string[] =>
  spawnSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(dir));

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const untilLine = (child: ChildProcess, wanted: RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const match = wanted.exec(text);
      if (match !== null) resolve(match[1] ?? match[0]);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', (code) => resolve(code)));

test('the demo trades, audits, exits 0 and leaves no process behind', () => {
  const demo = run('demo', '--orders', '60');
  expect(demo.stderr).toBe('');
  expect(demo.status).toBe(0);
  expect(demo.stdout).toMatch(/flash sale confirmed +20\n/);
  expect(demo.stdout).toContain('Nothing differs.');
  expect(leftBehind()).toEqual([]);
});

test("serve takes the demo's data, a second command attaches to it, and SIGTERM ends everything", async () => {
  const serve = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], { env: environment() });
  const url = await untilLine(serve, /API: (http:\S+)\/v1/);
  const key = readFileSync(join(dir, 'admin.key'), 'utf8').trim();
  const orders = await fetch(`${url}/v1/orders?limit=200`, { headers: { authorization: `Bearer ${key}` } });
  expect(((await orders.json()) as { items: unknown[] }).items.length).toBeGreaterThan(60);

  const status = run('status', '--json');
  expect(JSON.parse(status.stdout)).toMatchObject({ attached: true, projections: { parkedStreams: 0 } });
  expect((await fetch(`${url}/livez`)).status).toBe(200);

  const exit = ended(serve);
  serve.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(existsSync(join(dir, 'endpoint.json'))).toBe(false);
  expect(leftBehind()).toEqual([]);
});

const FULL = '/dev/full';
(existsSync(FULL) ? test : test.skip)(
  'serve goes on and ends cleanly where nothing it says can be written',
  async () => {
    const full = openSync(FULL, 'w');
    const port = await freePort();
    const serve = spawn(process.execPath, [PROGRAM, 'serve', '--port', String(port)], {
      env: { ...environment(), HOLDFAST_LOG_LEVEL: 'trace' },
      stdio: ['ignore', full, full],
    });
    const exit = ended(serve);
    const ready = () => fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    while ((await ready())?.status !== 200 && serve.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    serve.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(leftBehind()).toEqual([]);
    closeSync(full);
  },
);

test('serve killed with SIGKILL leaves no process behind, and the next start has all its data', async () => {
  const serve = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], { env: environment() });
  const url = await untilLine(serve, /API: (http:\S+)\/v1/);
  const key = readFileSync(join(dir, 'admin.key'), 'utf8').trim();
  const receipt = await fetch(`${url}/v1/locations/central/receipts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ receiptId: 'before-kill', sku: 'KILL', quantity: 7 }),
  });
  expect(receipt.status).toBeLessThan(300);
  const exit = ended(serve);
  serve.kill('SIGKILL');
  await exit;
  const deadline = Date.now() + 15_000;
  while (leftBehind().length > 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect(leftBehind()).toEqual([]);

  const again = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], { env: environment() });
  const address = await untilLine(again, /API: (http:\S+)\/v1/);
  const after = receipt.headers.get('event-position') ?? '';
  const stock = await fetch(`${address}/v1/stock/KILL?after=${after}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  expect(await stock.json()).toMatchObject({ onHand: 7 });
  const end = ended(again);
  again.kill('SIGINT');
  expect(await end).toBe(0);
});

test('a wrong setting ends the program with a clear word and exit code 2', () => {
  const wrong = spawnSync(process.execPath, [PROGRAM, 'status'], {
    env: { ...environment(), HOLDFAST_PORT: 'none' },
    encoding: 'utf8',
  });
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toContain('invalid_settings: HOLDFAST_PORT');
});
