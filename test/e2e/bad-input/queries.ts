import { nastyTexts } from './mutations.ts';
import type { DocumentedOperation } from './openapi.ts';
import { refusals, type Trial } from './trial.ts';

const texts = [...nastyTexts.filter(text => text.length < 1000), '1e3', '9'.repeat(30)];
const longText = 'x'.repeat(3000);
const refused = { statuses: refusals };

/** Bad values in all query parameters of an operation at once, and then alone in each that did not refuse it. */
export function queryTrials(operation: DocumentedOperation, path: string): Trial[] {
  const given = operation.parameters.flatMap(parameter => (parameter.in === 'query' ? parameter.name : []));
  const isOpen = operation['x-required-role'] === 'open';
  return [
    ask(path, ['no_such=1'], isOpen ? {} : refused),
    ...given.map(name => ask(path, [`${name}=${longText}`])),
    ...(given.length === 0 ? [] : inAll(path, given)),
  ];
}

function inAll(path: string, names: string[]): Trial[] {
  const all = (query: (name: string) => string, expected: Partial<Trial> = {}): Trial => ({
    ...ask(path, names.map(query), expected),
    alone: names.map(name => ({ ...ask(path, [query(name)], expected), pointer: `?${name}` })),
  });
  return [
    ...texts.map(text => all(name => `${name}=${encodeURIComponent(text)}`)),
    ...['%00', 'a%00b'].map(text => all(name => `${name}=${text}`, refused)),
    all(name => `${name}=%ff`), // no UTF-8
    all(name => `${name}=1&${name}=2`, refused),
    all(name => `${name}[a]=1`, refused),
  ];
}

const ask = (path: string, queries: string[], expected: Partial<Trial> = {}): Trial => ({
  label: `?${queries.join('&').slice(0, 200)}`,
  path: `${path}?${queries.join('&')}`,
  ...expected,
});
