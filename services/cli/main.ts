import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/** `npm run muster -- COMMAND`: see README.md, or --help. Half of what a short command would take is compiling: that is kept. */
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/muster/compiled'));
await import('./command-line.ts');
