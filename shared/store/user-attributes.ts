/**
 * A user whose custom attributes are to be looked at, or told as JSON. From one database to the other they go as text:
 * numbers of more digits than JavaScript's have, and `1.50`, would arrive as others.
 */
export const withParsedAttributes = <User extends { custom_attributes: string }>(user: User) => {
  const custom_attributes: Record<string, unknown> = JSON.parse(user.custom_attributes);
  return { ...user, custom_attributes };
};
