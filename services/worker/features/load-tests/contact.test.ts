import { waitFor } from '../../../../shared/kernel/time.ts';
import { createContact } from './contact.ts';

it('is steady only while answers come, and from the first one after a silence on', async () => {
  const contact = createContact({ gapMs: 100 });
  await waitFor('a steady time', () => {
    contact.heard(performance.now());
    return contact.steadyMs() > 200;
  });
  await waitFor('a silence', () => contact.silentMs() > 100);
  expect(contact.steadyMs()).toBe(0);
  contact.heard(performance.now());
  expect(contact.steadyMs()).toBeLessThan(100);
});
