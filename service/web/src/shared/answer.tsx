// The sentences of an answer with their markers; what wraps them differs between the page and the widget.
import type { JSX } from "preact";
import { inlineHtml } from "./markdown.ts";
import { withoutStars } from "./text.ts";
import type { Answer, Citation, Sentence } from "./types.ts";

export interface Opening {
  /** Called with the citation whose marker was chosen. */
  onOpen?: ((citation: Citation) => void) | undefined;
}

/** Whether a language model worded it; then its text may hold inline Markdown, else it is text of documents and shown as it is. */
export const isWorded = (answer: Answer): boolean => !(answer.receipt.models["composer"] ?? "extractive").startsWith("extractive");

/** The marker of a citation; without the citation, which a stream brings last, it can be read and not yet pressed. */
export function Marker({ number, citation, onOpen }: { number: number; citation?: Citation | undefined } & Opening): JSX.Element {
  if (!citation) return <span class="marker waiting">{number}</span>;
  return (
    <button
      type="button"
      class="marker"
      data-marker={number}
      data-cite={`${citation.doc_id}#${citation.start},${citation.end}`}
      aria-label={`引用${number}：${citation.title}，打开原文`}
      onClick={() => onOpen?.(citation)}
    >
      {number}
    </button>
  );
}

const CLOSING = /[。！？；：，、…!?;,.]*$/;

/** One sentence; its markers stand before the closing punctuation and stay on one line with it. */
export function SentenceText({
  sentence,
  citations,
  worded = false,
  onOpen,
}: {
  sentence: Pick<Sentence, "text" | "citations"> & { verdict?: string };
  citations: Map<number, Citation>;
  worded?: boolean;
} & Opening): JSX.Element {
  const markers = sentence.citations.map((number) => (
    <Marker key={number} number={number} citation={citations.get(number)} onOpen={onOpen} />
  ));
  if (worded) {
    return (
      <>
        <span dangerouslySetInnerHTML={{ __html: inlineHtml(sentence.text) }} />
        <span class="tail">{markers}</span>
      </>
    );
  }
  const text = withoutStars(sentence.text).trim();
  const cut = text.search(CLOSING);
  // The last character goes along, so that no marker begins a line.
  const last = Array.from(text.slice(0, cut)).pop() ?? "";
  const body = text.slice(0, cut - last.length);
  return (
    <>
      {body}
      <span class="tail">
        {last}
        {markers}
        {text.slice(cut)}
      </span>
    </>
  );
}

export const citationsByMarker = (answer: Answer): Map<number, Citation> =>
  new Map(answer.citations.map((citation) => [citation.marker, citation]));
