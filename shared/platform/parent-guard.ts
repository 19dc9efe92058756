/**
 * Calls `stop` when the process that started this one is gone, even by `kill -9`: the IPC channel that
 * `npm start` opens to each child closes with it. Does nothing in a process started by hand or by Docker.
 */
export function onParentLost(stop: () => void): void {
  if (process.channel === undefined) return;
  process.once('disconnect', stop);
  process.channel?.unref(); // watching the parent is no reason to stay alive
}
