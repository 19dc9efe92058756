import { bulkUsersChunk, bulkUsersCreate } from './bulk-users.ts';

const result = {
  batch_id: '018f0000-0000-7000-8000-000000000000',
  total_requested: 10,
  successful_count: 10,
  failed_count: 0,
  execution_time: 1.5,
};

describe('the outcome of a batch', () => {
  it.each([
    [result, 'succeeded', undefined],
    [{ ...result, successful_count: 9, failed_count: 1 }, 'partially_succeeded', undefined],
    [{ ...result, successful_count: 0, failed_count: 10 }, 'failed', 'no_user_created'],
    [{ ...result, successful_count: 0, failed_count: 1, rolled_back_count: 9 }, 'failed', 'rolled_back'],
    [
      {
        ...result,
        successful_count: 4,
        failed_count: 1,
        rolled_back_count: 5,
        rollback_refusal: { code: 'still_referenced', message: 'a row refers to a user' },
      },
      'failed',
      'still_referenced',
    ],
  ])('of %j is %s', (given, status, code) => {
    const outcome = bulkUsersCreate.outcome(given);
    expect(outcome.status).toBe(status);
    expect(outcome.status === 'failed' ? outcome.error.code : undefined).toBe(code);
  });
});

it('a retry hands its chunks out under new ids', () => {
  const task = { batch_id: result.batch_id, chunk_index: 3, run: 0 };
  expect(bulkUsersChunk.jobId(task)).not.toBe(bulkUsersChunk.jobId({ ...task, run: 1 }));
});
