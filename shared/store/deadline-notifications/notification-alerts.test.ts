import fc from 'fast-check';
import { countUntil, cycleIdsIn, selectAlerts, unpackAlerts } from './notification-alerts.ts';

const day = fc
  .date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
  .map(date => date.toISOString().slice(0, 10));
const alert = fc.record({
  cycleId: fc.uuid(),
  deadline: fc.oneof(day, fc.constant('-infinity ')),
  recipientName: fc.constantFrom('佐藤 花子', 'Ken Ito', ''),
});
const alerts = fc
  .uniqueArray(alert, { minLength: 1, maxLength: 20, selector: ({ cycleId }) => cycleId })
  .map(list => list.toSorted((a, b) => (a.deadline < b.deadline ? -1 : 1)));

const pack = (list: { cycleId: string; deadline: string; recipientName: string }[]) => ({
  cycles: list.map(({ cycleId, deadline }) => cycleId + deadline).join(''),
  names: list.map(({ recipientName }) => recipientName).join('\n'),
});

describe('packed deadlines', () => {
  it('come out as they went in, with their ids in a list', () => {
    fc.assert(
      fc.property(alerts, list => {
        expect(unpackAlerts(pack(list))).toEqual(list);
        expect(cycleIdsIn(pack(list)).split(',')).toEqual(list.map(({ cycleId }) => cycleId));
      }),
    );
  });

  it('are chosen by day and by what was told before, and stay one object when all are', () => {
    fc.assert(
      fc.property(alerts, day, fc.integer({ min: 1, max: 4 }), (list, lastDay, step) => {
        const packed = pack(list);
        const told = new Set(list.filter((_, index) => index % step === 1).map(({ cycleId }) => cycleId));
        const wanted = list.filter(({ deadline, cycleId }) => deadline <= lastDay && !told.has(cycleId));
        const chosen = selectAlerts(packed, countUntil(packed, lastDay), told);
        if (wanted.length === list.length) expect(chosen).toBe(packed);
        else expect(chosen).toEqual(pack(wanted));
      }),
    );
  });
});
