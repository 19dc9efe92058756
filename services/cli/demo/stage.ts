import type { Client } from '../client.ts';

/** What the demo plays on: a stack of its own, or a deployment that is there already. */
export interface Stage {
  client: Client;
  storefrontUrl: string;
  /** What was done to get here. */
  opened: string;
  /** What to show about it: names and values. */
  facts: [string, string][];
  /** Ends what was started for the demo; says what was done. */
  close(): Promise<string>;
  /** Leaves it up; gives what a person needs to go on with it. */
  leave(): Promise<[string, string][]>;
  /** The last words of the stack's own log. */
  lastLogLines(): Promise<string[]>;
}
