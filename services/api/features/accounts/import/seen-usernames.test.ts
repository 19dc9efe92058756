import { createSeenUsernames } from './seen-usernames.ts';

it('knows each name that came before, and no other, through all its growth', () => {
  const seen = createSeenUsernames();
  const names = Array.from({ length: 20_000 }, (_, index) => `user_${index}@example.com`);
  expect(names.filter(name => !seen.add(name))).toEqual([]);
  expect(names.filter(name => seen.add(name))).toEqual([]);
  expect(seen.add('another')).toBe(true);
});
