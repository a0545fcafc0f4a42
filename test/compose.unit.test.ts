import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { Registry } from 'prom-client';
import { CLOSE_GRACE_MS, type ListeningApi, listen } from '../src/api/listen.js';
import { createMonitor } from '../src/api/monitor.js';
import { registerServe } from '../src/cli/serve.js';
import { ROLES, readSettings, settingNames } from '../src/settings.js';

/** What production is described by must fit the program. There is no Docker here, so everything that can be is held against the code. */
interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly secrets?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly deploy?: {
    readonly replicas?: number;
    readonly resources: { readonly limits: Record<string, string> };
  };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const { load } = createRequire(import.meta.url)('js-yaml') as { load(text: string): unknown };
/** As Compose fills them in when nobody has set them. */
const withDefaults = (text: string): string => text.replace(/\$\{\w+:-([^}]*)\}/g, '$1');
const compose = load(withDefaults(readFileSync('compose.yaml', 'utf8'))) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
const dockerfile = readFileSync('Dockerfile', 'utf8').replaceAll('\\\n', ' ');
const lines = (instruction: string): string[] =>
  [...dockerfile.matchAll(new RegExp(`^\\s*${instruction} (.*)$`, 'gm'))].map(([, rest = '']) => rest.trim());
const imageEnvironment = Object.fromEntries(
  lines('ENV').flatMap((line) => line.split(/\s+/).map((pair) => pair.split('=') as [string, string])),
);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdfast-compose-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(ours)('the service %s', (name, { command = [], environment = {}, ...service }) => {
  const whole = { ...imageEnvironment, ...environment };
  const settingsOf = () => {
    const secret = join(dir, 'database-url');
    writeFileSync(secret, 'postgres://holdfast:secret@postgres:5432/holdfast\n');
    return readSettings({ ...whole, DATABASE_URL_FILE: secret });
  };

  test('sets what the program reads, to what it takes', () => {
    const known = new Set([...settingNames, 'NODE_ENV']);
    expect(Object.keys(whole).filter((variable) => !known.has(variable))).toEqual([]);
    const settings = settingsOf();
    for (const url of [settings.eventStoreUrl, settings.databaseUrl, settings.redisUrl]) {
      const { hostname } = new URL((url ?? '').replace(/^\w+:/, 'http:'));
      expect(Object.keys(compose.services)).toContain(hostname);
      expect(Object.keys(service.depends_on ?? {})).toContain(hostname);
    }
    expect(environment.DATABASE_URL_FILE).toBe(`/run/secrets/${service.secrets?.[0]}`);
  });

  test('runs a command of the program with options that it has', () => {
    const program = new Command();
    registerServe(program);
    const [verb, ...words] = command;
    const found = program.commands.find((one) => one.name() === verb);
    const options = found?.options.map(({ long }) => long) ?? [];
    const given = words.filter((word) => word.startsWith('--'));
    expect(given.filter((option) => !options.includes(option))).toEqual([]);
    const roles = words[words.indexOf('--roles') + 1];
    expect(readSettings({ HOLDFAST_ROLES: roles }).roles).toEqual([name]);
  });

  test('has ports that agree, and time to stop', () => {
    const { port, monitorPort } = settingsOf();
    expect(String(monitorPort)).toBe(imageEnvironment.HOLDFAST_MONITOR_PORT);
    for (const published of service.ports ?? []) {
      const [, from = '', to = '', inside] = /(\d+)-(\d+):(\d+)$/.exec(published) ?? [];
      expect(inside).toBe(String(port));
      expect(Number(to) - Number(from) + 1).toBeGreaterThanOrEqual(service.deploy?.replicas ?? 1);
    }
    expect(Number.parseInt(service.stop_grace_period ?? '0', 10) * 1_000).toBeGreaterThan(2 * CLOSE_GRACE_MS);
  });
});

test('every role runs, twice', () => {
  expect(ours.map(([name]) => name).sort()).toEqual([...ROLES].sort());
  for (const [, { deploy }] of ours) expect(deploy?.replicas).toBeGreaterThan(1);
});

describe('the parts', () => {
  test.each(services)(
    '%s has a limit, a restart policy, a health check and only what is declared',
    (_, one) => {
      expect(one.deploy?.resources.limits).toEqual({ cpus: expect.any(String), memory: expect.any(String) });
      expect(one.restart).toBe('unless-stopped');
      expect(one.healthcheck !== undefined || one.build !== undefined).toBe(true);
      const names = (list: readonly string[] = []) => list.map((entry) => entry.split(':')[0] ?? '');
      expect(Object.keys(compose.volumes)).toEqual(expect.arrayContaining(names(one.volumes)));
      expect(Object.keys(compose.networks)).toEqual(expect.arrayContaining(names(one.networks)));
      expect(Object.keys(compose.secrets)).toEqual(expect.arrayContaining(names(one.secrets)));
    },
  );

  test('nothing but the API can be reached from outside, and that from this machine only', () => {
    for (const [name, { ports = [], networks }] of services) {
      expect([name, networks?.includes('outside') ?? false, ports.length > 0]).toEqual([
        name,
        name === 'api',
        name === 'api',
      ]);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  test('no secret stands in the file', () => {
    const passwords = /password/i;
    for (const [, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (passwords.test(variable))
          expect([variable, value]).toEqual([expect.stringMatching(/_FILE$/), value]);
        expect(String(value)).not.toMatch(/:\/\/[^/]*:[^/]*@/);
      }
    }
  });
});

describe('the image', () => {
  test('is of files that are there and that .dockerignore lets through', () => {
    const letThrough = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    const copied = lines('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(/\s+/).slice(0, -1));
    expect(copied.length).toBeGreaterThan(3);
    for (const path of copied) {
      expect(existsSync(path)).toBe(true);
      expect(letThrough).toContain(`!${path.replace(/^\.\//, '')}`);
    }
  });

  test('runs the program as somebody who is not root, on the ports that it opens', () => {
    expect(lines('USER')).toEqual(['node']);
    expect(lines('EXPOSE')).toEqual([
      `${imageEnvironment.HOLDFAST_PORT} ${imageEnvironment.HOLDFAST_MONITOR_PORT}`,
    ]);
    const [entrypoint = ''] = lines('ENTRYPOINT');
    const home = lines('WORKDIR').at(-1);
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: { holdfast: string } };
    expect((JSON.parse(entrypoint) as string[]).at(-1)).toBe(`${home}/${bin.holdfast}`);
  });
});

describe('the health check', () => {
  let ready = true;
  let monitor: ListeningApi;
  beforeAll(async () => {
    let minutes = 0;
    // Leaps, so that no answer is an old one.
    const clock = () => new Date(60_000 * ++minutes);
    const app = createMonitor({ ready: () => ({ ready, checks: {} }), registry: new Registry(), clock });
    monitor = await listen(app, { host: '127.0.0.1', port: 0 });
  });
  afterAll(() => monitor.close());

  const ofImage = lines('HEALTHCHECK')[0]?.split('CMD ')[1] ?? '';
  const commands = [
    JSON.parse(ofImage) as string[],
    ...ours.flatMap(([, { healthcheck }]) => (healthcheck === undefined ? [] : [healthcheck.test.slice(1)])),
  ];
  const exitCode = (path: string, port: number): Promise<number | null> =>
    new Promise((resolve) => {
      const env = { ...process.env, HOLDFAST_MONITOR_PORT: String(port) };
      spawn(process.execPath, ['deploy/healthcheck.mjs', path], { env }).once('exit', resolve);
    });

  test.each(commands)('%s %s %s is healthy where all is well', async (node, script, path = '') => {
    expect([node, script]).toEqual(['node', `${lines('WORKDIR').at(-1)}/healthcheck.mjs`]);
    expect(await exitCode(path, monitor.port)).toBe(0);
  });

  test('is alive and not ready while a part is away, and neither when nobody answers', async () => {
    ready = false;
    const codes = ['/livez', '/readyz', '/nowhere'].map((path) => exitCode(path, monitor.port));
    expect(await Promise.all([...codes, exitCode('/livez', 1)])).toEqual([0, 1, 1, 1]);
  });
});
