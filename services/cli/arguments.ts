import { InvalidArgumentError } from 'commander';

/** Parsers of command-line values; what they throw is a usage error that names the option. */

/** A whole number from `min` up. Separators as in 1_000 and 1,000 are accepted. */
export const wholeNumber =
  (min: number) =>
  (text: string): number => {
    const value = Number(text.replaceAll(/[_,]/g, ''));
    if (Number.isSafeInteger(value) && value >= min && text.trim() !== '') return value;
    throw new InvalidArgumentError(`It must be a whole number, ${min} or more.`);
  };

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}
