import { z } from 'zod';
import { checkInput } from '../../../../shared/http/check-input.ts';
import { type CreationParts, creationParts } from '../../../../shared/http/creation-config.ts';
import { templateName } from '../../../../shared/http/fields.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';

/** What was sent to be validated: its usable parts, and the faults of the others. */
export interface SentConfig {
  count: number | undefined;
  template: string;
  parts: CreationParts;
  /** Where the configuration stands in what was sent: `/config`, or nothing when it is the whole. */
  base: '' | '/config';
  faults: Fault[];
}

const beside = { count: z.int().min(1), template: templateName };
const flat = creationParts.extend(beside).partial();
const nested = z.strictObject({ ...beside, config: creationParts }).partial();

/**
 * Takes whatever it is apart; a part that is at fault counts as not sent.
 * @param base where the configuration must be; absent: wherever it is
 */
export function readSentConfig(body: unknown = {}, base = baseOf(body)): SentConfig {
  const outer = isObject(body) ? body : {};
  const config = base === '' ? outer : outer.config;
  const { faults } = checkInput(base === '' ? flat : nested, body);
  const isSound = (pointer: string) =>
    !faults.some(fault => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`));
  return {
    count: beside.count.optional().catch(undefined).parse(outer.count),
    template: beside.template.catch('default').parse(outer.template),
    parts: soundParts(isObject(config) ? config : {}, part => isSound(`${base}/${part}`)),
    base,
    faults,
  };
}

function soundParts(config: Record<string, unknown>, isSound: (part: string) => boolean): CreationParts {
  const kept = Object.entries(creationParts.shape)
    .filter(([part, field]) => isSound(part) && field.safeParse(config[part]).success)
    .map(([part]) => [part, config[part]])
    .filter(([, value]) => value !== undefined);
  return creationParts.parse(Object.fromEntries(kept));
}

const baseOf = (body: unknown): SentConfig['base'] =>
  isObject(body) && Object.hasOwn(body, 'config') ? '/config' : '';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
