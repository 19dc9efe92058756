import fc from 'fast-check';
import { conflictPolicies, syncDirections } from '../../../../../shared/contracts/user-sync.ts';
import { decide, type Rules, type ThreeStates } from './decide.ts';

const digest = fc.constantFrom(null, 'a', 'b', 'c');
const side = fc.record({ digest, changedAt: fc.option(fc.nat(1000), { nil: undefined }) });
const states: fc.Arbitrary<ThreeStates> = fc.record({ application: side, target: side, base: digest });
const rules: fc.Arbitrary<Rules> = fc.record({
  direction: fc.constantFrom(...syncDirections),
  policy: fc.constantFrom(...conflictPolicies),
  full: fc.boolean(),
});

/** What the sides have once the decision is carried out. */
function carryOut(before: ThreeStates, set: Rules): ThreeStates {
  const decision = decide(before, set);
  if (decision.do === 'settle') return { ...before, base: before.application.digest };
  if (decision.do === 'leave') return before;
  const winner = decision.at === 'application' ? before.target : before.application;
  return { application: { ...winner }, target: { ...winner }, base: winner.digest };
}

const bidirectional = { direction: 'bidirectional', policy: 'newest', full: false } as const;
const at = (text: string | null, changedAt?: number) => ({ digest: text, changedAt });

describe('decide', () => {
  it('makes both sides the same when it may write to both', () => {
    fc.assert(
      fc.property(states, rules, (before, set) => {
        const after = carryOut(before, { ...set, direction: 'bidirectional' });
        expect(after.application.digest).toBe(after.target.digest);
        expect(after.base).toBe(after.target.digest);
      }),
    );
  });

  it('has nothing left to do after it was done', () => {
    fc.assert(
      fc.property(states, rules, (before, set) => {
        const after = carryOut(before, set);
        expect(carryOut(after, set)).toEqual(after);
      }),
    );
  });

  it('writes to nobody but the receiver of a one-way sync', () => {
    fc.assert(
      fc.property(states, rules, (before, set) => {
        const after = carryOut(before, set);
        if (set.direction === 'push') expect(after.application).toEqual(before.application);
        if (set.direction === 'pull') expect(after.target).toEqual(before.target);
      }),
    );
  });

  it('gives the receiver of a full one-way sync what the sender has, where the policy is not the receiver’s', () => {
    fc.assert(
      fc.property(states, fc.constantFrom('application', 'newest'), (before, policy) => {
        const after = carryOut(before, { direction: 'push', policy, full: true });
        expect(after.target.digest).toBe(before.application.digest);
      }),
    );
  });

  it('invents nothing: what a side ends up with, one of the two had', () => {
    fc.assert(
      fc.property(states, rules, (before, set) => {
        const had = [before.application.digest, before.target.digest];
        const after = carryOut(before, set);
        expect(had).toContain(after.application.digest);
        expect(had).toContain(after.target.digest);
      }),
    );
  });

  it.each([
    ['the newer change', at('b', 5), at('c', 9), { at: 'application', conflict: true, do: 'write' }],
    [
      'a change over a deletion of unknown time',
      at(null),
      at('c', 1),
      { at: 'application', conflict: true, do: 'write' },
    ],
    ['a later deletion', at('b', 5), at(null, 9), { at: 'application', conflict: true, do: 'delete' }],
    ['the only change', at('a', 9), at('c', 1), { at: 'application', conflict: false, do: 'write' }],
    ['the only deletion', at(null), at('a', 9), { at: 'load_tester', conflict: false, do: 'delete' }],
  ])('carries over %s', (_case, application, target, expected) => {
    expect(decide({ application, target, base: 'a' }, bidirectional)).toEqual(expected);
  });

  it('leaves alone in a push what only the load tester ever had', () => {
    const own = { application: at(null), target: at('c', 1), base: null };
    expect(decide(own, { direction: 'push', policy: 'newest', full: false }).do).toBe('leave');
    expect(decide(own, { direction: 'push', policy: 'newest', full: true })).toMatchObject({ do: 'delete' });
  });
});

describe('a ring of syncs both ways, which docs/user-sync.md says not to build', () => {
  const places = 6;

  /** Syncs the places around a ring, the last with the first, or along the line that is left without that. */
  function ring(isClosed: boolean) {
    const has = Array.from({ length: places }, (): string | null => 'a');
    const bases = Array.from({ length: isClosed ? places : places - 1 }, (): string | null => 'a');
    const syncPair = (left: number) => {
      const right = (left + 1) % places;
      const [application, target] = [at(has[left] ?? null), at(has[right] ?? null)];
      const after = carryOut({ application, target, base: bases[left] ?? null }, bidirectional);
      [has[left], has[right], bases[left]] = [after.application.digest, after.target.digest, after.base];
    };
    const syncAll = () => {
      for (let left = bases.length - 1; left >= 0; left--) syncPair(left);
      return has.map(digest => (digest === null ? '-' : 'a')).join('');
    };
    return { has, syncPair, syncAll };
  }

  /** A user is deleted in the first place, and made again there when half of the others have heard of it. */
  function deleteAndMakeAgain(isClosed: boolean): string[] {
    const { has, syncPair, syncAll } = ring(isClosed);
    has[0] = null;
    for (const left of [0, 1]) syncPair(left);
    has[0] = 'a';
    return Array.from({ length: 12 }, syncAll);
  }

  it('carries a deletion and what was made after it round for ever, the one behind the other', () => {
    const rounds = deleteAndMakeAgain(true);
    expect(rounds.slice(0, 5)).toEqual(['aa--aa', 'aaa--a', 'aaaa--', '--aaa-', '---aaa']);
    expect(rounds.slice(5, 10)).toEqual(rounds.slice(0, 5));
  });

  it('comes to an end where it is open', () => {
    expect(deleteAndMakeAgain(false).at(-1)).toBe('aaaaaa');
  });
});
