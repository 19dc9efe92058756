import { z } from 'zod';
import { isAppError, messageOf } from '../../shared/kernel/errors.ts';
import { localBundles } from '../../shared/platform/local-bundles.ts';
import { withCopyConnection } from '../../shared/platform/postgres/copy-connection.ts';
import { createSnapshot } from '../../shared/store/snapshots/snapshot-create.ts';
import { restoreSnapshot } from '../../shared/store/snapshots/snapshot-restore.ts';

/** A process to be killed: it says `ready`, connects, says `begun`, does as it is told, once, and says how it ended. */
const task = z.object({
  url: z.string(),
  folder: z.string(),
  action: z.enum(['create', 'restore']),
  name: z.string(),
});

process.once('message', async message => {
  const { url, folder, action, name } = task.parse(message);
  const store = localBundles(folder);
  const { signal } = new AbortController();
  const outcome = await withCopyConnection(url, { name: 'to be killed', signal }, async connection => {
    process.send?.('begun');
    if (action === 'restore') {
      const request = { name, cleanExisting: true, allowOtherDatabase: false };
      await restoreSnapshot(connection, store, request, { signal });
      return 'done';
    }
    const filter = { marker: 'is_test_data', dataset_id: null };
    await createSnapshot(connection, store, { name, description: '', jobId: name, tables: null, filter });
    return 'done';
  }).catch((error: unknown) => (isAppError(error) ? error.code : messageOf(error)));
  process.send?.(outcome);
  process.disconnect();
});
process.send?.('ready');
