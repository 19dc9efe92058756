/** The direction of imports, each rule with its reason. Run by `npm run check`. */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    forbid(
      'no-cycles',
      'A cycle means that two files are one thought: merge them or cut it.',
      {},
      { circular: true },
    ),
    forbid(
      'no-service-imports-another',
      'Processes talk over HTTP, the queue and Postgres, so that each can be deployed alone.',
      { path: '^services/([^/]+)/' },
      { path: '^services/', pathNot: '^services/$1/' },
    ),
    forbid(
      'no-feature-imports-a-sibling',
      'A feature is read, changed and removed on its own; what two need lives in shared.',
      { path: '^services/([^/]+)/features/([^/]+)/' },
      { path: '^services/$1/features/', pathNot: '^services/$1/features/$2/' },
    ),
    forbid(
      'shared-never-imports-services',
      'Shared code must not know who uses it.',
      { path: '^(shared|drizzle)/', pathNot: '\\.test\\.ts$' },
      { path: '^(services|test|bench|infra)/' },
    ),
    forbid(
      'kernel-is-pure',
      'The kernel has no I/O, so that everything may import it, the load engine included.',
      { path: '^shared/kernel/', pathNot: '\\.test\\.ts$' },
      {
        // of node:net only what computes: isIP and BlockList
        pathNot: ['^shared/kernel/', '^(node:)?(crypto|timers|net$)', 'node_modules/(zod|uuid)/'],
      },
    ),
    forbid(
      'platform-sees-kernel-only',
      'Infrastructure knows no feature: the same queue and database code serves all of them.',
      { path: '^shared/platform/' },
      { path: '^(shared|drizzle)/', pathNot: '^shared/(platform|kernel)/' },
    ),
    forbid(
      'contracts-see-platform-and-kernel',
      'A contract is what two processes agree on: schemas and options, no queries.',
      { path: '^shared/contracts/' },
      { path: '^(shared|drizzle)/', pathNot: '^shared/(contracts|platform|kernel)/' },
    ),
    forbid(
      'http-sees-contracts',
      'HTTP schemas are documentation for clients: they must not drag in queries.',
      { path: '^shared/http/' },
      { path: '^(shared|drizzle)/', pathNot: '^shared/(http|contracts|kernel)/' },
    ),
    forbid(
      'store-rests-on-four',
      'Accounts, users, jobs and access are what the other subjects are made of: they know none of those.',
      { path: '^shared/store/(access|accounts|jobs|users)/', pathNot: '\\.test\\.ts$' },
      { path: '^shared/store/[^/]+/', pathNot: '^shared/store/$1/' },
    ),
    forbid(
      'store-sees-no-http',
      'Queries serve api and workers alike.',
      { path: '^shared/store/' },
      { path: '^shared/http/' },
    ),
    forbid(
      'load-engine-is-a-library',
      'The engine knows HTTP and time only, so that it runs in a thread, in a bench and in another process alike. The guard ' +
        'of targets (shared/platform/target) is one for all who connect to them.',
      { path: '^services/worker/features/load-tests/engine/', pathNot: '\\.test\\.ts$' },
      {
        path: '^(services|shared|drizzle)/|node_modules/',
        pathNot: [
          '^services/worker/features/load-tests/engine/',
          '^shared/kernel/',
          '^shared/platform/target/(answers|connect-guard|network-errors)',
          'node_modules/(undici|hdr-histogram-js|@types)/',
        ],
      },
    ),
    forbid(
      'shards-see-no-conductor',
      'They meet in Postgres alone: another worker may conduct from any moment on.',
      { path: '^services/worker/features/load-tests/shard/' },
      { path: '^services/worker/features/load-tests/conductor/' },
    ),
    forbid(
      'conductors-see-no-shard',
      'A conductor knows what shards wrote, never how they run.',
      { path: '^services/worker/features/load-tests/conductor/' },
      { path: '^services/worker/features/load-tests/shard/' },
    ),
    forbid(
      'bullmq-in-one-place',
      'Both backends sit behind one seam; a second import of bullmq would be a second seam.',
      { pathNot: '^(shared/platform/queue/|test/)' },
      { path: 'node_modules/bullmq/' },
    ),
    forbid(
      'drizzle-in-store-and-schema',
      'SQL is shown where it can be found: shared/store and the schemas.',
      {
        pathNot: [
          '^shared/(store|platform)/',
          '^drizzle/',
          '^services/storefront/',
          '^test/',
          '^infra/',
          '\\.test\\.ts$',
        ],
      },
      { path: 'node_modules/drizzle-orm/' },
    ),
    forbid(
      'express-in-http-services',
      'Workers, CLI and shared code serve no pages.',
      { pathNot: ['^services/(api|storefront)/', '^test/'] },
      { path: 'node_modules/express/' },
    ),
    forbid(
      'nothing-imports-tests',
      'Test code is not shipped.',
      { pathNot: ['^(test|bench)/', '\\.test\\.ts$'] },
      { path: ['^test/', '\\.test\\.ts$'] },
    ),
    forbid(
      'no-orphans',
      'A file that nothing reaches is dead.',
      {
        orphan: true,
        pathNot: [
          '\\.(d|config)\\.ts$',
          'drizzle\\.\\w+\\.config',
          '/docs-page/',
          '/report/assets/',
          '/dashboard/assets/',
        ],
      },
      {},
    ),
    forbid(
      'no-dev-dependency-in-production',
      'The image installs production dependencies only.',
      { path: '^(shared|drizzle|services)/', pathNot: '\\.test\\.ts$' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['/migrations/', 'dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['node', 'import', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
