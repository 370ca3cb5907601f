// The JSON of the service as docs/http.md describes it. Offsets are Unicode code points, half-open; `_utf16` as JavaScript counts.

/** Where a quote stands in the original; what does not apply is null or missing. */
export interface Origin {
  path: string;
  line_start?: number | null;
  line_end?: number | null;
  page?: number | null;
  slide?: number | null;
  paragraph?: number | null;
  sheet?: string | null;
  row?: number | null;
}

export interface Reference {
  label: string;
  doc_id: string;
  start: number;
  end: number;
}

export interface Citation {
  marker: number;
  doc_id: string;
  title: string;
  start: number;
  end: number;
  start_utf16: number;
  end_utf16: number;
  quote: string;
  section: string[];
  origin: Origin;
  doc_sha256: string;
  published: string;
  validity: string;
  refers_to?: Reference[];
  /** Words such as 去年 in the quote, and what they mean by the date of the document. */
  relative_dates?: { text: string; date: string }[];
}

export interface Passage {
  passage_id: string;
  doc_id: string;
  start: number;
  end: number;
  score: number;
  text: string;
}

export interface Sentence {
  text: string;
  citations: number[];
  verdict: string;
}

export type Status = "answered" | "partial" | "refused";

export interface Answer {
  id: string;
  question: string;
  understood: string | null;
  status: Status;
  answer: string;
  reason: string | null;
  confidence: number;
  notice: string | null;
  dropped: number;
  sentences: Sentence[];
  citations: Citation[];
  passages: Passage[];
  timings: Record<string, number>;
  receipt: { index: string; models: Record<string, string>; version: string; [more: string]: unknown };
}

/** Metadata of a document; an empty string is unknown. Newer services add fields. */
export interface DocumentInfo {
  doc_id: string;
  title: string;
  source_title: string;
  issuer: string;
  authors: string[];
  region: string;
  published: string;
  kind: string;
  period: string;
  note: string;
  sha256: string;
  characters: number;
  passages: number;
  [more: string]: unknown;
}

export interface Section {
  title: string;
  path: string[];
  depth: number;
  start: number;
  end: number;
}

export interface FullDocument extends DocumentInfo {
  text: string;
  outline: Section[];
}

export interface Filters {
  documents?: string[];
  issuers?: string[];
  regions?: string[];
  kinds?: string[];
  published_from?: string;
  published_to?: string;
  /** The day that validity is judged on. */
  as_of?: string;
  validity?: string[];
}

export interface Message {
  role: "user" | "assistant";
  content: string;
}

export interface AskBody {
  question: string;
  history?: Message[];
  conversation_id?: string;
  filters?: Filters;
}

/** An answer that somebody gave a link to, checked anew. */
export interface SharedAnswer {
  id: string;
  created: string;
  expires: string | null;
  answer: Answer;
  holds: boolean;
  checks: { marker: number | null; text: string; problem: string | null }[];
}

export interface ConversationSummary {
  conversation_id: string;
  title: string;
  created: string;
  updated: string;
  turns: number;
}

export interface Conversation {
  summary: ConversationSummary;
  turns: { question: string; answer: Answer; created: string }[];
}

export interface Page<T> {
  items: T[];
  cursor: string;
}

export type FeedbackVerdict = "up" | "down";
export type FeedbackReason = "wrong" | "incomplete" | "citation" | "outdated" | "unclear" | "refused" | "other";
