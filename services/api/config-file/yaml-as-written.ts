import { parseDocument, visit } from 'yaml';
import { numberAsWritten, withPlainOthers } from '../../../shared/kernel/json-as-written.ts';

/**
 * YAML of which the numbers within a field of this name, wherever that stands, stay as they are written, as those of JSON do.
 * @throws YAMLParseError
 */
export function parseYamlFieldAsWritten(text: string, field: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw error;
  visit(document, {
    Scalar(place, node) {
      if (place === 'key' || typeof node.value !== 'number' || node.source === undefined) return;
      const source = asJsonNumber(node.source);
      if (source !== undefined) node.value = numberAsWritten(source);
    },
  });
  return withPlainOthers(document.toJS(), field);
}

/** How JSON writes a number of YAML: that has signs, points, zeros and bases which JSON has not. Undefined for `.inf` and `.nan`. */
function asJsonNumber(source: string): string | undefined {
  if (/^0[xo]/.test(source)) return String(BigInt(source));
  const written = source
    .replace(/^\+/, '')
    .replace(/^(-?)0+(?=\d)/, '$1')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.(?=[eE]|$)/, '');
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(written) ? written : undefined;
}
