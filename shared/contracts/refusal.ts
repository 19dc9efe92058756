import { z } from 'zod';

/** Why something cannot be done, whatever is tried: a code (docs/reason-codes.md), and the words of who refused it. */
export const refusalSchema = z.object({ code: z.string(), message: z.string() });
export type Refusal = z.infer<typeof refusalSchema>;

/** In the result of a task that its conductor would otherwise hand out for ever. */
export const mayBeRefused = { refusal: refusalSchema.optional() };
