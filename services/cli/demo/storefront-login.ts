import got from 'got';
import { z } from 'zod';
import { messageOf } from '../../../shared/kernel/errors.ts';
import { CliFailure } from '../failure.ts';

const answer = z.object({ user: z.object({ id: z.string(), username: z.string() }).loose() });

/** Logs in to the storefront as any browser would, and asks it who that is. */
export async function logIn(storefrontUrl: string, username: string, password: string): Promise<string> {
  const shop = got.extend({ timeout: { request: 10_000 }, retry: { limit: 0 } });
  try {
    const login = await shop.post(`${storefrontUrl}/login`, { json: { username, password } });
    const cookie = (login.headers['set-cookie'] ?? []).map(text => text.split(';')[0]).join('; ');
    const me = await shop(`${storefrontUrl}/me`, { headers: { cookie } }).json();
    return answer.parse(me).user.username;
  } catch (cause) {
    throw new CliFailure('failed', `${username} cannot log in to ${storefrontUrl}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
