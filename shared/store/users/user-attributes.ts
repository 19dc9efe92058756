import { parseAsWritten } from '../../kernel/json-as-written.ts';

/**
 * A user whose custom attributes are to be looked at, or told as JSON, with their numbers as the database has them. From one
 * database to the other they go as text.
 */
export const withParsedAttributes = <User extends { custom_attributes: string }>(user: User) => ({
  ...user,
  custom_attributes: parseAsWritten(user.custom_attributes),
});
