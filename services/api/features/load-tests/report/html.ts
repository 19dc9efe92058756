import { escapeHtml } from '../../../../../shared/kernel/html.ts';

/** Text that is markup already. Everything else that goes into a page is escaped. */
export interface Html {
  readonly markup: string;
}
type Value = string | number | Html | readonly Value[] | undefined | false;

function markupOf(value: Value): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(markupOf).join('');
}

/** Markup with values in it: of elements and of attributes in quotes, never of scripts or styles. */
export const html = (parts: TemplateStringsArray, ...values: Value[]): Html => ({
  markup: parts.map((part, index) => part + markupOf(values[index])).join(''),
});

/** A value for a script of the page to read. */
export const jsonBlock = (id: string, value: unknown): Html => ({
  markup: `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll('<', '\\u003c')}</script>`,
});

/** The page's own style or script, as it is: its hash stands in the content security policy. */
export const ownBlock = (tag: 'style' | 'script', content: string): Html => ({
  markup: `<${tag}>${content}</${tag}>`,
});
