import { addressChains } from './address-chains.ts';

const user = (username: string, email: string) => ({ username, email });
const namesIn = (groups: { username: string }[][]) =>
  groups.map(group => group.map(({ username }) => username).sort()).sort();

it('those who swap, and those of a chain, are together; whoever takes a free address is alone', () => {
  const has = new Map(['a', 'b', 'c', 'd', 'e', 'f'].map(name => [name, `${name}@x`]));
  const users = [
    ...[user('a', 'b@x'), user('c', 'd@x'), user('b', 'A@x')],
    ...[user('e', 'free@x'), user('d', 'f@x'), user('f', 'other@x')],
  ];
  expect(namesIn(addressChains(users, has))).toEqual([['a', 'b'], ['c', 'd', 'f'], ['e']]);
});

it('a user who keeps its address, or is there no more, is alone', () => {
  expect(namesIn(addressChains([user('a', 'a@x'), user('b', 'b@x')], new Map([['a', 'a@x']])))).toEqual([
    ['a'],
    ['b'],
  ]);
});
