export interface CaughtMessage {
  kind: 'email' | 'push';
  received_at: string;
  from: string | null;
  to: string;
  subject: string | null;
  body: string;
}

/** More would be forgotten unread, and a run of a large dataset sends thousands. */
const kept = 500;

/** The newest messages, in memory: they are for looking at while one develops. */
export function createMessageList() {
  const messages: CaughtMessage[] = [];
  return {
    add(message: Omit<CaughtMessage, 'received_at'>): void {
      messages.unshift({ ...message, received_at: new Date().toISOString() });
      messages.length = Math.min(messages.length, kept);
    },
    all: (): readonly CaughtMessage[] => messages,
  };
}

export type MessageList = ReturnType<typeof createMessageList>;
