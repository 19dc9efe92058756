import { z } from 'zod';

/** The databases of the embedded server: the load tester's own, and the application under test. */
export const databaseNames = { platform: 'muster', application: 'storefront' } as const;

/** What the keeper tells the stack, once, over IPC. */
export const keeperMessage = z.discriminatedUnion('ready', [
  z.object({
    ready: z.literal(true),
    port: z.number(),
    platformUrl: z.string(),
    applicationUrl: z.string(),
  }),
  z.object({ ready: z.literal(false), message: z.string(), hint: z.string().optional() }),
]);

export type KeeperMessage = z.infer<typeof keeperMessage>;
