import { availableParallelism } from 'node:os';
import { findSecondPostgres, SECOND_POSTGRES_TESTS } from './test/support/second-postgres.mjs';

// One project per cost suffix, so that `npm test -- --selectProjects unit` runs what is cheap.
const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};
const project = (suffix, extra = {}) => ({
  ...base,
  displayName: suffix,
  testMatch: [`<rootDir>/test/**/*.${suffix}.test.ts`],
  ...extra,
});
// One PostgreSQL for the whole run: Jest runs a path that several projects name only once, and not for unit tests alone.
const withPostgres = {
  globalSetup: '<rootDir>/test/support/postgres-server.mjs',
  globalTeardown: '<rootDir>/test/support/postgres-server-stop.mjs',
};
// And what is said to PostgreSQL once more on another one, where there is any.
const second = await findSecondPostgres();
const onSecondPostgres = {
  testMatch: SECOND_POSTGRES_TESTS,
  globals: { holdfastTestPostgres: second },
  globalSetup: '<rootDir>/test/support/second-postgres.mjs',
  globalTeardown: '<rootDir>/test/support/second-postgres-stop.mjs',
};
export default {
  // Jest leaves one core free, which on two is half of the machine, while many a test waits for a disk or another process.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // A busy machine is slow, not wrong: this only ends what hangs.
  testTimeout: 60_000,
  projects: [
    project('unit'),
    project('int', { ...withPostgres, globals: { holdfastNoSecondPostgres: second.reason } }),
    ...(second.reason === undefined ? [project('second-postgres', onSecondPostgres)] : []),
    project('e2e', withPostgres),
    project('fault', withPostgres),
  ],
};
