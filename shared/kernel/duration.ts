const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const part = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y;

/** Milliseconds of a duration in k6's notation (`30s`, `1m30s`, `1.5h`, `500ms`); undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  let total = 0;
  part.lastIndex = 0;
  while (part.lastIndex < text.length) {
    const found = part.exec(text);
    if (found === null) return undefined;
    total += Number(found[1]) * unitMs[found[2] as keyof typeof unitMs];
  }
  return text === '' ? undefined : total;
}
