import { z } from 'zod';
import { withCopyConnection } from '../../shared/platform/copy-connection.ts';
import { localBundles } from '../../shared/platform/local-bundles.ts';
import { createSnapshot } from '../../shared/store/snapshot-create.ts';
import { restoreSnapshot } from '../../shared/store/snapshot-restore.ts';

/** A process to be killed: it connects, says `ready`, and does as it is told, once. */
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
  await withCopyConnection(url, { name: 'to be killed', signal }, async connection => {
    process.send?.('begun');
    if (action === 'restore') {
      const request = { name, cleanExisting: true, allowOtherDatabase: false };
      await restoreSnapshot(connection, store, request, { signal });
      return;
    }
    const filter = { marker: 'is_test_data', dataset_id: null };
    await createSnapshot(connection, store, { name, description: '', jobId: name, tables: null, filter });
  });
  process.send?.('done');
  process.disconnect();
});
process.send?.('ready');
