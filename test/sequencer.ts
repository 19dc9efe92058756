import Sequencer from '@jest/test-sequencer';

/** The class itself: the package has types of its CommonJS form only, where it is one level deeper. */
const ByTimeOrSize = Sequencer as unknown as typeof Sequencer.default;
type Test = Parameters<Sequencer.default['sort']>[0][number];

/** These wait for locks and leases to run out: started last, they keep everybody else waiting. */
const longest = [/\/test\/faults\//, /\/services\/cli\/demo\//, /\/test\/e2e\//, /\/test\/conformance\//];
const rank = ({ path }: Test): number => {
  const found = longest.findIndex(kind => kind.test(path));
  return found < 0 ? longest.length : found;
};

/**
 * Jest starts those files first that took longest the last time and, where it knows of no time, as on a fresh clone, the
 * largest ones. Here those go first then that are long by their kind.
 */
export default class LongestFirst extends ByTimeOrSize {
  override async sort(tests: Test[]): Promise<Test[]> {
    const sorted = await super.sort(tests);
    const isTimed = sorted.some(({ duration }) => duration !== undefined);
    return isTimed ? sorted : sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
