import { dangersOf } from './redis-backend.ts';

const info = (policy: string, aof: number) =>
  `# Memory\r\nmaxmemory_policy:${policy}\r\n# Persistence\r\naof_enabled:${aof}\r\n`;

test('a Redis that keeps what it is given is fine', () => {
  expect(dangersOf(info('noeviction', 1))).toEqual([]);
});

test('a Redis that evicts keys or keeps no log is a danger to jobs', () => {
  expect(dangersOf(info('allkeys-lru', 0))).toEqual([
    expect.stringContaining('allkeys-lru'),
    expect.stringContaining('appendonly yes'),
  ]);
});

test('what a hosted Redis does not tell is not complained about', () => {
  expect(dangersOf('redis_version:8.0.0\r\n')).toEqual([]);
});
