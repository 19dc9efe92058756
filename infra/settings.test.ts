import { readFile } from 'node:fs/promises';
import { environment } from '../shared/platform/config.ts';

const namesIn = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].flatMap(([, name]) => name ?? []))].sort();

it('the README names every variable that a process reads, some by their family', async () => {
  const named = namesIn(await readFile('README.md', 'utf8'), /`([A-Z][A-Z_]+)(?:\.\.\.)?`/g);
  const families = named.filter(name => name.endsWith('_'));
  const isNamed = (name: string) => named.includes(name) || families.some(family => name.startsWith(family));
  expect(Object.keys(environment.shape).filter(name => !isNamed(name))).toEqual([]);
});

it('.env.example has every variable that Compose reads, and no other', async () => {
  const example = namesIn(await readFile('.env.example', 'utf8'), /^#?([A-Z_]+)=/gm);
  expect(example).toEqual(namesIn(await readFile('docker-compose.yml', 'utf8'), /\$\{([A-Z_]+)/g));
});
