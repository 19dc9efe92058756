import { z } from 'zod';
import { unsubscribePath } from '../../../../shared/contracts/notification-messages/unsubscribe.ts';
import {
  showUnsubscribeOperation,
  unsubscribeOperation,
} from '../../../../shared/http/deadline-notifications.ts';
import { AppError } from '../../../../shared/kernel/errors.ts';
import type { LinkSigner } from '../../../../shared/platform/notification-keys.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import { turnOffEmail } from '../../../../shared/store/deadline-notifications/notification-deliveries.ts';
import { tellDeed } from '../../deed.ts';
import { page as pageOf } from '../../pages/page.ts';
import { type Route, route, stream } from '../../route.ts';

export interface UnsubscribeDeps {
  applicationDb: Executor;
  signer: LinkSigner;
}

/**
 * The link in every message. Following it shows a page with a button, since scanners follow links; the button, and a
 * mail program's one click (RFC 8058), is a POST, which needs no login: the signature is the permission.
 */
export const unsubscribeRoutes = ({ applicationDb, signer }: UnsubscribeDeps): Route[] => [
  route(showUnsubscribeOperation, async ({ query: { token } }) => {
    staffIdOf(signer, token);
    return page(`<p>この宛先への期限のお知らせメールを停止しますか。<br>Stop e-mail about deadlines to this address?</p>
    <form method="post" action="${unsubscribePath}?token=${token}">
      <button type="submit">停止する / Stop</button>
    </form>`);
  }),

  route(unsubscribeOperation, async ({ query: { token }, ...call }) => {
    const staffId = staffIdOf(signer, token);
    if (!(await turnOffEmail(applicationDb, staffId))) throw noSuchLink();
    await tellDeed(call, 'deadline-notifications.unsubscribe', staffId);
    return page(`<p>メールのお知らせを停止しました。<br>There will be no more e-mail about deadlines.</p>`);
  }),
];

/** What is signed is safe to show: an id and a signature, both of plain characters. */
function staffIdOf(signer: LinkSigner, token: string): string {
  const staffId = z.uuid().safeParse(signer.verify(token));
  if (!staffId.success) throw noSuchLink();
  return staffId.data;
}

/** For who has the message, too: a browser shows it on a page. */
const noSuchLink = () =>
  new AppError('not_found', 'このリンクは無効です / This link is not valid', {
    hint: '最新のメールのリンクをお使いください / Use the link of the newest message.',
  });

const page = (content: string) =>
  stream('text/html; charset=utf-8', [pageOf({ title: 'Muster', language: 'ja', content })]);
