// Answers that a language model worded may carry inline Markdown. What comes out is sanitised: a few inline elements without
// attributes, so no text of a model or of a document can become a link, a picture or a script.
import DOMPurify from "dompurify";
import { Marked } from "marked";

const escaped = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const marked = new Marked({
  gfm: true,
  breaks: false,
  renderer: {
    html: ({ text }) => escaped(text), // shown as it was written
    image: ({ text }) => escaped(text),
    link({ tokens }) {
      return this.parser.parseInline(tokens);
    },
  },
});
const ALLOWED = { ALLOWED_TAGS: ["b", "code", "em", "i", "strong", "sub", "sup"], ALLOWED_ATTR: [] as string[] };

/** Inline Markdown as safe HTML. */
export function inlineHtml(text: string): string {
  return DOMPurify.sanitize(marked.parseInline(text, { async: false }), ALLOWED);
}
