import { type ParsedElementInfo, type ParsedTokenInfo, Tokenizer, TokenParser } from '@streamparser/json';
import { numberAsWritten } from '../kernel/json-as-written.ts';

/** Told of every token, and of the values at the paths. */
interface Listener {
  onToken(token: ParsedTokenInfo): void;
  onValue(element: ParsedElementInfo): void;
}

/** `JSONParser`, with numbers as `parseAsWritten` gives them. It throws at what is not JSON. */
export function exactJsonParser(paths: string[], { onToken, onValue }: Listener) {
  const tokens = new ExactTokenizer();
  const values = new TokenParser({ paths, keepStack: false });
  tokens.onToken = token => {
    onToken(token);
    values.write(token);
  };
  values.onValue = onValue;
  tokens.onEnd = () => {
    if (!values.isEnded) values.end();
  };
  values.onEnd = () => {
    if (!tokens.isEnded) tokens.end();
  };
  return {
    write: (piece: Uint8Array) => tokens.write(piece),
    /** The text is over, if it is not yet. */
    end: () => {
      if (!tokens.isEnded) tokens.end();
    },
  };
}

class ExactTokenizer extends Tokenizer {
  protected override parseNumber(source: string): number {
    return numberAsWritten(source) as number; // the parser behind it looks at the token's type alone
  }
}
