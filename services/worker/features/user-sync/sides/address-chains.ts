interface Addressed {
  username: string;
  /** The address that the user is to have. */
  email: string;
}

/**
 * Divides users into groups of those who pass addresses on to each other: whoever is to have an address is with whoever
 * has it now. Case does not tell addresses apart: an application may take them for the same.
 * @param addresses those that users have now, by username
 */
export function addressChains<User extends Addressed>(
  users: readonly User[],
  addresses: ReadonlyMap<string, string>,
): User[][] {
  const groups = new Map(users.map(user => [user.username, [user]]));
  const holders = new Map<string, string>();
  for (const { username } of users) {
    const address = addresses.get(username);
    if (address !== undefined) holders.set(address.toLowerCase(), username);
  }
  for (const { username, email } of users) {
    const [own, other] = [groups.get(username), groups.get(holders.get(email.toLowerCase()) ?? username)];
    if (own === undefined || other === undefined || own === other) continue;
    const [longer, shorter] = own.length < other.length ? [other, own] : [own, other];
    longer.push(...shorter);
    for (const moved of shorter) groups.set(moved.username, longer);
  }
  return [...new Set(groups.values())];
}
