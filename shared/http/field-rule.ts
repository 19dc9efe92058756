import type { z } from 'zod';

type Payload = Parameters<NonNullable<z.core.$ZodSuperRefineParams['when']>>[0];

/**
 * For a rule about how fields of an object go together: it is looked at as soon as these fields are right, whatever is
 * wrong with others, so that all faults are told at once. Without it zod looks at such rules last.
 *
 *   .superRefine((body, context) => ..., whenRight('min', 'max'))
 */
export const whenRight = (...fields: string[]) => ({
  when: ({ issues }: Payload): boolean =>
    !issues.some(({ code, path: [field] = [] }) =>
      field === undefined ? code !== 'unrecognized_keys' : fields.includes(String(field)),
    ),
});
