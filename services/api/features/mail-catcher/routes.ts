import got, { RequestError } from 'got';
import {
  catcherSubscription,
  caughtMessages,
  getCatcherSubscriptionOperation,
  listCaughtMessagesOperation,
} from '../../../../shared/http/mail-catcher.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import { ok, type Route, route } from '../../route.ts';

/** What the local stack's mail catcher took. Only a stack that has one has these routes. */
export function mailCatcherRoutes(catcherUrl: string): Route[] {
  const read = (path: string): Promise<unknown> =>
    got(new URL(path, catcherUrl), { timeout: { request: 5000 }, retry: { limit: 0 } })
      .json()
      .catch((cause: unknown) => {
        if (!(cause instanceof RequestError)) throw cause;
        throw new AppError('dependency_unavailable', 'The mail catcher does not answer', { cause });
      });
  return [
    route(listCaughtMessagesOperation, async () => ok(caughtMessages.parse(await read('/messages')))),
    route(getCatcherSubscriptionOperation, async () =>
      ok(catcherSubscription.parse(await read('/subscription'))),
    ),
  ];
}
