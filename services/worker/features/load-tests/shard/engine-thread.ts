import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../../../shared/kernel/errors.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import { createSendCounter } from '../send-journal.ts';
import type { EngineNews, EngineOrder, EngineThreadInput } from './engine-messages.ts';
import { createSendFence } from './send-fence.ts';

/**
 * Entry of an engine's thread: the engine, orders in, one delta a second out, on the seconds of the run. A thread of
 * its own, so that Postgres, Redis and whatever else the worker does take nothing from the load, nor the load from
 * them. It never outlives its process.
 */
const abortMs = 50; // for connections to close; after that what is known is sent as it is

function runEngine(port: MessagePort, input: EngineThreadInput): void {
  const { plan, accounts, renews, fence, journal } = input;
  const tell = (news: EngineNews) => port.postMessage(news);
  const onUnauthorized = (position: number) => tell({ type: 'unauthorized', position });
  const onLost = (error: unknown) => tell({ type: 'uncounted', reason: messageOf(error) });
  const engine = createEngine(plan, {
    accounts,
    ...(renews && { onUnauthorized }),
    ...(fence !== undefined && { maySend: createSendFence(fence).isOpen }),
    ...(journal !== undefined && { onSent: createSendCounter(journal, onLost) }),
  });
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;

  function sendEachSecond(startedAtMs: number): void {
    const zeroAt = performance.now() - startedAtMs;
    const elapsedMs = () => performance.now() - zeroAt;
    let second = Math.max(0, Math.floor(startedAtMs / 1000));
    const arm = () => {
      second = Math.max(second + 1, Math.floor(elapsedMs() / 1000)); // late by seconds: those are one delta
      timer = setTimeout(send, Math.max(0, second * 1000 - elapsedMs()));
    };
    const send = () => {
      tell({ type: 'delta', delta: engine.drain() });
      arm();
    };
    arm();
  }

  function finish(): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    tell({ type: 'delta', delta: { ...engine.drain(), isLast: true } });
    tell({ type: 'ended' });
    port.close();
  }

  port.on('message', (order: EngineOrder) => {
    if (order.type === 'start') sendEachSecond(startEngine(engine, order));
    else if (order.type === 'control') engine.control(order.control);
    else if (order.type === 'accounts') engine.setAccounts(order.accounts);
    else if (order.type === 'account') engine.setAccount(order.position, order.account);
    else if (order.type === 'stop') engine.stop();
    else {
      engine.abort();
      setTimeout(finish, abortMs);
    }
  });
  void engine.ended.then(finish);
  tell({ type: 'ready' });
}

/** Gives the time of the run at which it really started. */
function startEngine(engine: Engine, { elapsedMs, sentAt }: EngineOrder & { type: 'start' }): number {
  const now = elapsedMs + Number(process.hrtime.bigint() - sentAt) / 1e6;
  engine.start({ elapsedMs: now });
  return now;
}

if (parentPort !== null) runEngine(parentPort, workerData);
