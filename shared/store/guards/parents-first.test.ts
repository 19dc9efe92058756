import { parentsFirst } from './parents-first.ts';

const keys = (...pairs: string[]) =>
  pairs.map(pair => {
    const [child = '', parent = ''] = pair.split(' ');
    return { child, parent };
  });

it('puts a table after all to which it refers, whatever their names', () => {
  expect(parentsFirst('users', keys('attachments users', 'attachments tickets', 'tickets users'))).toEqual([
    'users',
    'tickets',
    'attachments',
  ]);
});

it('follows the longest way to a table', () => {
  const found = parentsFirst('users', keys('a users', 'a c', 'b users', 'c b', 'd a'));
  expect(found).toEqual(['users', 'b', 'c', 'a', 'd']);
});

it('opens a circle at the table nearest to the users, and nothing but the circle', () => {
  const found = parentsFirst('users', keys('after users', 'after far', 'near users', 'near far', 'far near'));
  expect(found).toEqual(['users', 'near', 'far', 'after']);
});

it('takes a table that refers to itself, or to which the users refer', () => {
  expect(parentsFirst('users', keys('aliases aliases', 'aliases users', 'users aliases'))).toEqual([
    'users',
    'aliases',
  ]);
});
