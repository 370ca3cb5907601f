// The canonical text of a document, line by line: headings by its outline, tables as tables, spans highlighted at their exact
// characters. Markdown's signs stay in the text, out of sight, so that what is marked is the quote, character by character.
// All of it enters the page as text nodes.
import type { ComponentChildren, JSX } from "preact";
import { memo } from "./memo.ts";
import type { Section } from "./types.ts";

/** A span in UTF-16 units; the cited one, or one that a search found (`current` is where the search stands). */
export interface Span {
  start: number;
  end: number;
  kind: "cited" | "found" | "current";
}

interface Line {
  start: number;
  text: string;
  depth: number;
  cells: number[] | null;
}

/** A run of lines that stand together: a table, or one line of text. */
export interface Block {
  lines: Line[];
  isTable: boolean;
}

const RULE = /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/;

/** Where each cell of a row begins in it, its bar or tab included; null for what is no row. */
function cellsOf(text: string): number[] | null {
  if (text.startsWith("|") && text.trimEnd().length > 1) {
    const bars = [...text.matchAll(/(?<!\\)\|/g)].map((match) => match.index);
    return text.trimEnd().endsWith("|") ? bars.slice(0, -1) : bars;
  }
  if (text.includes("\t")) return [0, ...[...text.matchAll(/\t/g)].map((match) => match.index)];
  return null;
}

/** Cuts the text at its line ends; `outline` has offsets in UTF-16 units. Blank lines are left out. */
export function blocksOf(text: string, outline: Pick<Section, "start" | "depth">[]): Block[] {
  const depths = new Map(outline.map((section) => [section.start, section.depth]));
  const blocks: Block[] = [];
  let start = 0;
  let end = -1; // of the line before that was not blank
  for (const line of text.split("\n")) {
    if (line.trim()) {
      const depth = depths.get(start) ?? 0;
      const cells = depth ? null : cellsOf(line);
      const made = { start, text: line, depth, cells };
      const before = blocks.at(-1);
      if (cells && before?.isTable && start === end + 1) before.lines.push(made);
      else blocks.push({ lines: [made], isTable: cells !== null });
      end = start + line.length;
    }
    start += line.length + 1;
  }
  return blocks;
}

/** Text from `from` to `to` with the signs of Markdown hidden. */
function signed(text: string, isLineStart: boolean): ComponentChildren[] {
  const signs = isLineStart ? /(^#{1,6}\s+|\*\*)/ : /(\*\*)/;
  return text.split(signs).map((part, i) => (part && i % 2 ? <span class="sign">{part}</span> : part));
}

/** The piece of a line from `from` to `to` (in the line), with what of `spans` falls into it marked. */
function pieces(line: Line, from: number, to: number, spans: Span[]): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  let at = from;
  const add = (end: number, span?: Span): void => {
    if (end <= at) return;
    const inside = signed(line.text.slice(at, end), at === 0);
    out.push(span ? <mark class={span.kind} data-line={line.start}>{inside}</mark> : <>{inside}</>);
    at = end;
  };
  // Where spans overlap the cited one wins, and the rest of the other still shows.
  const edges = new Set<number>();
  for (const span of spans) for (const edge of [span.start - line.start, span.end - line.start]) if (edge > from && edge < to) edges.add(edge);
  for (const edge of [...edges, to].sort((a, b) => a - b)) {
    const middle = line.start + at;
    const covering = spans.filter((span) => span.start <= middle && middle < span.end);
    add(edge, covering.find((span) => span.kind === "current") ?? covering.find((span) => span.kind === "cited") ?? covering[0]);
  }
  return out;
}

function TableRow({ line, isHead, spans }: { line: Line; isHead: boolean; spans: Span[] }): JSX.Element {
  const cells = line.cells!;
  return (
    <tr data-start={line.start} class={RULE.test(line.text) ? "sign" : undefined}>
      {cells.map((from, i) => {
        const to = cells[i + 1] ?? line.text.length;
        const bar = /^[|\t]\s*/.exec(line.text.slice(from, to))?.[0].length ?? 0;
        const end = to - (/\s*\|?\s*$/.exec(line.text.slice(from + bar, to))?.[0].length ?? 0);
        const inside = [
          <span class="sign">{pieces(line, from, from + bar, spans)}</span>,
          pieces(line, from + bar, Math.max(end, from + bar), spans),
          <span class="sign">{pieces(line, Math.max(end, from + bar), to, spans)}</span>,
        ];
        return isHead ? <th scope="col">{inside}</th> : <td>{inside}</td>;
      })}
    </tr>
  );
}

function BlockOf({ block, spans }: { block: Block; spans: Span[] }): JSX.Element {
  const first = block.lines[0]!;
  if (block.isTable) {
    const hasHead = block.lines[1] !== undefined && RULE.test(block.lines[1].text);
    return (
      <div class="table" tabIndex={0} role="region" aria-label="表格">
        <table>
          {block.lines.map((line, i) => (
            <TableRow key={line.start} line={line} isHead={hasHead && i === 0} spans={spans} />
          ))}
        </table>
      </div>
    );
  }
  const inside = pieces(first, 0, first.text.length, spans);
  if (!first.depth) return <p data-start={first.start} class={/^\s*[-*•]\s/.test(first.text) ? "item" : undefined}>{inside}</p>;
  const Heading = `h${Math.min(first.depth + 2, 6)}` as "h3";
  return <Heading data-start={first.start} tabIndex={-1}>{inside}</Heading>;
}

const sameSpans = (a: Span[], b: Span[]): boolean =>
  a.length === b.length && a.every((span, i) => span.start === b[i]!.start && span.end === b[i]!.end && span.kind === b[i]!.kind);

const MemoBlock = memo(BlockOf, (before, after) => before.block === after.block && sameSpans(before.spans, after.spans));

const NONE: Span[] = [];

/** The text of a document; `spans` in any order. */
export function DocumentText({ blocks, spans }: { blocks: Block[]; spans: Span[] }): JSX.Element {
  return (
    <div class="document">
      {blocks.map((block) => {
        const start = block.lines[0]!.start;
        const last = block.lines.at(-1)!;
        const end = last.start + last.text.length;
        const own = spans.length ? spans.filter((span) => span.start < end && span.end > start) : NONE;
        return <MemoBlock key={start} block={block} spans={own.length ? own : NONE} />;
      })}
    </div>
  );
}
