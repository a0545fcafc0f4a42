import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  FIELD_ERRORS_MAX,
  invalidRequest,
  PROBLEMS,
  Problem,
  problemBody,
  problemOf,
  rejected,
} from '../../src/api/problems.js';
import { EffectRefused, NotRecorded, OutcomeRefused } from '../../src/processes/process-errors.js';
import { CommandQueueFull } from '../../src/runtime/command-errors.js';
import { DatabaseUnavailable } from '../../src/runtime/database.js';
import { EventStoreUnavailable } from '../../src/runtime/event-store.js';

const sourcesOf = (folder: string): string[] =>
  readdirSync(join('src', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join('src', folder, file), 'utf8'));

const failed = (schema: z.ZodType, value: unknown): z.ZodError => {
  const { error } = schema.safeParse(value);
  if (error === undefined) throw new Error('it was valid');
  return error;
};

describe('problems', () => {
  test('every code that a decider, process or the runtime rejects with is in the table', () => {
    const codes = ['domain', 'processes', 'runtime']
      .flatMap(sourcesOf)
      .flatMap((source) => [...source.matchAll(/\breject\(\s*'(\w+)'/g)].map(([, code]) => code ?? ''));
    expect(codes.length).toBeGreaterThan(30);
    expect([...new Set(codes)].filter((code) => !(code in PROBLEMS))).toEqual([]);
  });

  test('what must never happen between streams has a code of its own, and no story for the client', () => {
    const rejection = { code: 'exceeds_hold', message: 'hold secret holds 1' };
    const effect = { kind: 'give-back-coupon', code: 'TEN', reason: 'cancelled' } as const;
    const errors = [
      new EffectRefused('web~1', effect, rejection),
      new OutcomeRefused('consignment web~c', rejection),
      new NotRecorded('order web~1', 'its placement'),
    ];
    const sent = errors.map((error) => problemBody(problemOf(error), 'r'));
    expect(sent).toMatchObject([
      { status: 500, code: 'effect_refused' },
      { status: 500, code: 'outcome_refused' },
      { status: 500, code: 'not_recorded' },
    ]);
    expect(JSON.stringify(sent)).not.toContain('secret');
    // What stops the poster has its code around it.
    const others = sourcesOf('processes').filter((source) => !source.includes('class PosterStopped'));
    expect(others.filter((source) => source.includes('throw new Error('))).toEqual([]);
  });

  test('a rejection keeps its code, message and details; one without a place in the table is our fault', () => {
    const known = rejected({ code: 'wrong_status', message: 'it is placed', details: { status: 'placed' } });
    expect(known).toMatchObject({ status: 409, code: 'wrong_status', message: 'it is placed' });
    expect(problemBody(known, 'r1')).toEqual({
      type: 'urn:holdfast:problem:wrong_status',
      title: PROBLEMS.wrong_status[1],
      status: 409,
      code: 'wrong_status',
      detail: 'it is placed',
      instance: 'urn:holdfast:request:r1',
      details: { status: 'placed' },
    });
    expect(rejected({ code: 'never_heard_of', message: 'x' })).toMatchObject({
      status: 500,
      code: 'internal_error',
    });
  });

  test('trouble that passes is 503, whatever part had it; anything unexpected is 500 and says nothing', () => {
    expect(problemOf(new CommandQueueFull('stream', 1)).status).toBe(503);
    expect(problemOf(new EventStoreUnavailable('x')).status).toBe(503);
    expect(problemOf(new DatabaseUnavailable('timeout', 'x')).status).toBe(503);
    const surprise = problemOf(new TypeError('secret path /etc/x'));
    expect(surprise).toMatchObject({ status: 500, code: 'internal_error' });
    expect(JSON.stringify(problemBody(surprise, 'r'))).not.toContain('secret');
    expect(surprise.extras.cause).toBeInstanceOf(TypeError);
    expect(problemOf('a string').status).toBe(500);
    const own = new Problem('unknown_order', 'x');
    expect(problemOf(own)).toBe(own);
  });

  test('wrong fields are named by pointers, escaped, each once', () => {
    const schema = z.strictObject({ lines: z.array(z.strictObject({ price: z.string() })) });
    const problem = invalidRequest(failed(schema, { lines: [{ price: 1, 'a/b~c': 2 }], x: 1 }), 'body');
    expect(problem.extras.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: '/lines/0/price', code: 'invalid_type', in: 'body' }),
        expect.objectContaining({ path: '/lines/0/a~1b~0c', code: 'unknown_field' }),
        expect.objectContaining({ path: '/x', code: 'unknown_field' }),
      ]),
    );
  });

  test('what is told of a wrong request is bounded, however much is wrong', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`${'k'.repeat(2_000)}${n}`, n]));
    const problem = invalidRequest(failed(z.strictObject({}), many), 'body');
    expect(problem.extras.errors).toHaveLength(FIELD_ERRORS_MAX);
    expect(problem.message).toContain('5000');
    expect(JSON.stringify(problemBody(problem, 'r')).length).toBeLessThan(20_000);
  });
});

describe('the guide', () => {
  test('lists every code with its status', () => {
    const rows = Object.entries(PROBLEMS).map(
      ([code, [status, title]]) => `| \`${code}\` | ${status} | ${title} |`,
    );
    expect(readFileSync('docs/guides/api.md', 'utf8')).toContain(rows.join('\n'));
  });
});
