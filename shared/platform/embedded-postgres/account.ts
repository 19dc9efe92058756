import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { AppError } from '../../kernel/errors.ts';

const run = promisify(execFile);

/** The account of the operating system that the server runs as, when it is not that of this process. */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * The account for the server processes: undefined means ourselves. PostgreSQL refuses to run as root, so root
 * lends it the owner of the data it finds, or else an unprivileged account that every system has.
 * No account is ever created.
 */
export async function serverAccount(dataDir: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(dataDir).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const account = (await accountNamed('postgres')) ?? (await accountNamed('nobody'));
  if (account !== undefined) return account;
  throw new AppError(
    'dependency_unavailable',
    'PostgreSQL refuses to run as root, and there is no other user',
    {
      hint: 'Run as an ordinary user, or set DATABASE_URL and APP_DATABASE_URL to a running server.',
    },
  );
}

async function accountNamed(name: string): Promise<Account | undefined> {
  const idOf = async (flag: string) => Number((await run('id', [flag, name])).stdout);
  try {
    return { uid: await idOf('-u'), gid: await idOf('-g') };
  } catch {
    return undefined;
  }
}

/** Whether a program ends well when the account runs it. */
export async function succeeds(program: string, args: string[], account: Account): Promise<boolean> {
  return run(program, args, { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  );
}
