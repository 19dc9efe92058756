import { isDeepStrictEqual } from 'node:util';

/** What must be the same on both sides: what a user's digest is made of, but for the name. */
const comparedFields = ['email', 'role', 'is_test_user', 'test_batch_id', 'custom_attributes'] as const;
type Compared = Record<(typeof comparedFields)[number], unknown>;

/** The fields in which two users differ; none when one of them is not there. */
export const differingFields = (one: Compared | undefined, other: Compared | undefined): string[] =>
  one === undefined || other === undefined
    ? []
    : comparedFields.filter(field => !isDeepStrictEqual(one[field], other[field]));
