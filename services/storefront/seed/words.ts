/** What the seeded shop's products and reviews are made of. */
export const words = {
  departments: [
    'Books',
    'Coffee',
    'Garden',
    'Kitchen',
    'Lighting',
    'Music',
    'Office',
    'Outdoor',
    'Toys',
    'Travel',
  ],
  adjectives: [
    ...['Amber', 'Bright', 'Calm', 'Deep', 'Early', 'Folded', 'Gentle', 'Hollow'],
    ...['Iron', 'Late', 'Quiet', 'Round', 'Silver', 'Tall', 'Warm', 'Wild'],
  ],
  nouns: [
    ...['Anchor', 'Basket', 'Candle', 'Drum', 'Easel', 'Flask', 'Globe', 'Hammock', 'Inkwell', 'Kettle'],
    ...[
      'Lantern',
      'Mirror',
      'Notebook',
      'Pillow',
      'Quilt',
      'Rucksack',
      'Saddle',
      'Teapot',
      'Vase',
      'Whistle',
    ],
  ],
  opinions: [
    'Arrived a day early and well packed.',
    'Smaller than it looks in the picture.',
    'My sister wants one too.',
    'Sturdy, and easy to clean.',
    'The colour is not quite what I expected.',
    'Would buy it again without a second thought.',
    'Does what it should, no more and no less.',
    'It broke after three weeks of daily use.',
  ],
};
