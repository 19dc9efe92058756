import { AppError } from '../../../../../shared/kernel/errors.ts';
import type { EnginePlan } from './plan.ts';
import { createTemplates, type RequestTemplate } from './request-template.ts';
import { createWeightedChoice } from './weighted-choice.ts';

export interface EndpointChoice {
  /** The endpoint for a number in [0, 1), by weight. */
  choose(random: number): RequestTemplate;
  /** By name; endpoints that are not named keep their weight. Throws `validation_failed` and changes nothing. */
  setWeights(weights: Record<string, number>): void;
}

export function createEndpointChoice(plan: EnginePlan): EndpointChoice {
  const templates = createTemplates(plan);
  const [first] = templates;
  if (first === undefined) throw new AppError('validation_failed', 'A plan needs an endpoint');
  let weights = plan.endpoints.map(({ weight }) => weight);
  let chooseIndex = createWeightedChoice(weights);
  return {
    choose: random => templates[chooseIndex(random)] ?? first,
    setWeights(changed) {
      const unknown = Object.keys(changed).filter(name => !plan.endpoints.some(each => each.name === name));
      if (unknown.length > 0) {
        throw new AppError('validation_failed', `There is no endpoint named ${unknown.join(', ')}`);
      }
      const next = plan.endpoints.map(({ name }, index) => changed[name] ?? weights[index] ?? 0);
      chooseIndex = createWeightedChoice(next);
      weights = next;
    },
  };
}
