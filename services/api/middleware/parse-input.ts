import { z } from 'zod';
import { checkInput } from '../../../shared/http/check-input.ts';
import { refused } from '../../../shared/http/faults.ts';
import type { Operation } from '../../../shared/http/operation.ts';
import { AppError } from '../../../shared/kernel/errors.ts';

export interface RawInput {
  params: unknown;
  query: unknown;
  body: unknown;
}

const nothing = z.strictObject({});
/** Probes and scrapers add parameters of their own; elsewhere an unknown one is a mistake worth telling. */
const anything = z.looseObject({});
const noBody = nothing.optional().transform(() => undefined);

/** A path that names nothing (an id that is no UUID, a name that no name can be) is a 404, not a fault. */
function parseParams(schema: z.ZodType, params: unknown): unknown {
  const { value, faults } = checkInput(schema, params, 'query');
  if (faults.length === 0) return value;
  throw new AppError(
    'not_found',
    `There is nothing here: ${faults[0]?.pointer.slice(1)} ${faults[0]?.detail}`,
  );
}

/** A body that its handler looks into by itself. */
function unchecked({ rawBody, anyBody }: Operation, { body }: RawInput) {
  if (rawBody !== undefined) return { value: undefined, faults: [] };
  return anyBody ? { value: body, faults: [] } : undefined;
}

/** What the operation's handler gets, or one error with every fault of query and body. */
export function parseInput(operation: Operation, raw: RawInput): RawInput {
  const params = parseParams(operation.params ?? nothing, raw.params);
  const query = checkInput(
    operation.query ?? (operation.role === 'open' ? anything : nothing),
    { ...Object(raw.query) },
    'query',
  );
  const body = unchecked(operation, raw) ?? checkInput(operation.body ?? noBody, raw.body, 'body');
  const faults = [...query.faults, ...body.faults];
  if (faults.length > 0) throw refused(faults);
  return { params, query: query.value, body: body.value };
}
