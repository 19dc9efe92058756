/** What became of a load test's request that failed. In the kernel, since the engine sees no contracts. */
export const errorKinds = [
  'timeout',
  'dns',
  'refused',
  'reset',
  'tls',
  'http_4xx',
  'http_5xx',
  'application',
  'resource',
  'not_allowed',
] as const;
export type ErrorKind = (typeof errorKinds)[number];
