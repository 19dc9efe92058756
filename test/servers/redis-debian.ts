import { fetchFromDebian } from './debian-packages.ts';
import { type RedisProgram, redisVersion } from './redis-program.ts';

/** redis-server out of the system's packages, without installing them. */
export const fetchDebianRedis = (): Promise<RedisProgram> =>
  fetchFromDebian({
    name: 'redis-server',
    packages: ['redis-server', 'redis-tools'],
    path: 'usr/bin/redis-server',
    load: redisVersion,
  });
