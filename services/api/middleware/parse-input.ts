import { z } from 'zod';
import { checkInput } from '../../../shared/http/check-input.ts';
import { refused } from '../../../shared/http/faults.ts';
import type { Operation } from '../../../shared/http/operation.ts';
import { AppError, type Fault } from '../../../shared/kernel/errors.ts';

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

/** What else is wrong with a body of which its schema refuses something: what only the handler could see otherwise. */
export type Judge = (body: unknown) => Promise<Fault[]>;

/** What the operation's handler gets, or one error with every fault of query and body. */
export async function parseInput(operation: Operation, raw: RawInput, judge?: Judge): Promise<RawInput> {
  const params = parseParams(operation.params ?? nothing, raw.params);
  const query = checkInput(
    operation.query ?? (operation.role === 'open' ? anything : nothing),
    { ...Object(raw.query) },
    'query',
  );
  const body = unchecked(operation, raw) ?? checkInput(operation.body ?? noBody, raw.body, 'body');
  const faults = [...query.faults, ...body.faults];
  if (faults.length > 0) throw refused([...faults, ...(await judgeOthers(faults, raw.body, judge))]);
  return { params, query: query.value, body: body.value };
}

async function judgeOthers(faults: readonly Fault[], body: unknown, judge?: Judge): Promise<Fault[]> {
  if (judge === undefined || faults.some(({ code }) => code === 'too_deep')) return [];
  const others = await judge(body);
  return others.filter(({ pointer }) => !faults.some(told => `${told.pointer}/`.startsWith(`${pointer}/`)));
}
