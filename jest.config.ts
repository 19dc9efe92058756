import { availableParallelism } from 'node:os';
import type { Config } from 'jest';

const timeoutMs = 30_000;

/**
 * Four projects by file name. Only those that need servers start them (test/global-setup.ts), so that
 * `npm test -- --selectProjects unit` runs at once. Run through test/run.ts, which turns on ES modules for Jest.
 */
const project = (name: string, options: Config): Config => ({
  displayName: name,
  testTimeout: timeoutMs,
  rootDir: import.meta.dirname,
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/test/strip-types.ts' }, // types are checked by npm run check:types
  ...options,
});

const needsServers = {
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  testEnvironment: '<rootDir>/test/environment.ts',
} satisfies Config;

const everywhere = ['shared', 'services', 'infra', 'test'];
const beside = (suffix: string): string[] => everywhere.map(folder => `<rootDir>/${folder}/**/*${suffix}`);
const acrossProcesses = ['<rootDir>/test/e2e/', '<rootDir>/test/faults/'];

export default {
  projects: [
    project('unit', {
      testMatch: beside('.test.ts'),
      testPathIgnorePatterns: ['\\.int\\.test\\.ts$', ...acrossProcesses],
    }),
    project('integration', {
      ...needsServers,
      testMatch: beside('.int.test.ts'),
      testPathIgnorePatterns: acrossProcesses,
    }),
    project('e2e', { ...needsServers, testMatch: ['<rootDir>/test/e2e/**/*.test.ts'] }),
    project('faults', {
      ...needsServers,
      testMatch: ['<rootDir>/test/faults/**/*.test.ts'],
      testTimeout: 90_000, // most of a test is waiting for a lock to run out; read by test/environment.ts
    }),
  ],
  testSequencer: '<rootDir>/test/sequencer.ts',
  testTimeout: timeoutMs,
  // Most tests wait for servers and processes, so that more files than cores are right. CI takes its time instead.
  maxWorkers: process.env.CI === 'true' ? '100%' : 2 * availableParallelism(),
  coverageProvider: 'v8',
  coverageReporters: ['text-summary', 'lcov'],
  collectCoverageFrom: ['{shared,services,infra}/**/*.ts', '!**/*.test.ts', '!**/main.ts'],
} satisfies Config;
