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
export default {
  projects: [project('unit'), project('int'), project('e2e'), project('fault')],
};
