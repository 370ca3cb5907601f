// Words for people: dates, places, validity, footnotes; and offsets in code points.
import type { Answer, Citation, DocumentInfo, Origin } from "./types.ts";

export const STATUS: Record<string, string> = {
  answered: "有据可查",
  partial: "部分回答",
  refused: "没有找到依据",
};

export const VALIDITY: Record<string, string> = {
  in_force: "现行有效",
  not_yet: "尚未施行",
  repealed: "已废止",
  amended: "已修订",
  unknown: "效力未知",
};
export const validityLabel = (validity: string): string => VALIDITY[validity] ?? validity;

/** Markdown's stars stay in quotes, which are the text of the document, and are not shown. */
export const withoutStars = (text: string): string => text.replaceAll("**", "");

/** One line without markup, of at most `limit` code points. */
export function brief(text: string, limit: number): string {
  const line = withoutStars(text).replace(/^(?:#+|[-*•])\s+/gm, "").replace(/\s*\n\s*/g, " ").trim();
  const characters = Array.from(line);
  return characters.length > limit ? `${characters.slice(0, limit).join("")}…` : line;
}

/** "2022-11" → "2022年11月"; anything else as it is. */
export function chineseDate(date: string): string {
  const [, year, month, day] = /^(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?$/.exec(date) ?? [];
  return year ? `${year}年${month ? `${Number(month)}月` : ""}${day ? `${Number(day)}日` : ""}` : date;
}

/** Where it stands in the original: whatever the kind of file counts by. */
export function placeOf(origin: Origin): string {
  const parts: string[] = [];
  if (origin.sheet) parts.push(`工作表“${origin.sheet}”`);
  if (origin.slide != null) parts.push(`第${origin.slide}张幻灯片`);
  if (origin.page != null) parts.push(`第${origin.page}页`);
  if (origin.row != null) parts.push(`第${origin.row}行`);
  if (origin.paragraph != null) parts.push(`第${origin.paragraph}段`);
  const { line_start: first, line_end: last } = origin;
  if (!parts.length && first) parts.push(!last || first === last ? `第${first}行` : `第${first}–${last}行`);
  return parts.join(" ");
}

export const dotted = (...parts: (string | null | undefined | false)[]): string => parts.filter(Boolean).join("\u2009·\u2009");
export const sectionPath = (section: string[]): string => section.map(withoutStars).join(" › ");
export const aboutDocument = (info: DocumentInfo): string =>
  dotted(info.issuer, info.region, chineseDate(info.published), info.period, info.kind);

/** Title in book-title marks, unless it has its own. */
export const titled = (title: string): string => (title.includes("《") ? title : `《${title}》`);

/** The path of a document's page, with the span to highlight. */
export function sourcePath(docId: string, span?: { start: number; end: number }): string {
  const path = `/d/${docId.split("/").map(encodeURIComponent).join("/")}`;
  return span ? `${path}#char=${span.start},${span.end}` : path;
}

/** A citation as one line of text, as it stands in a note. `issuer` may be empty. */
export function citationLine(citation: Citation, issuer = ""): string {
  const where = [issuer, sectionPath(citation.section), placeOf(citation.origin), chineseDate(citation.published)];
  const status = citation.validity === "unknown" ? "" : validityLabel(citation.validity);
  const place = [titled(citation.title), ...where, status].filter(Boolean).join("，");
  return `${place}。原文：“${withoutStars(citation.quote).replace(/\s*\n\s*/g, " ")}”`;
}

/** The answer with its notes as plain text, for the clipboard. */
export function footnoted(answer: Answer, issuerOf: (docId: string) => string = () => ""): string {
  const notes = answer.citations.map((c) => `[${c.marker}] ${citationLine(c, issuerOf(c.doc_id))}`);
  const said = [`问：${answer.question}`, `答：${withoutStars(answer.answer)}`];
  return [...said, ...(notes.length ? ["", "注释", ...notes] : [])].join("\n");
}

/** The index in UTF-16 units of each of the given offsets in code points, which must not fall. */
export function utf16Offsets(text: string, offsets: number[]): number[] {
  const found: number[] = [];
  let unit = 0;
  let point = 0;
  for (const offset of offsets) {
    while (point < offset && unit < text.length) {
      unit += text.codePointAt(unit)! > 0xffff ? 2 : 1;
      point += 1;
    }
    found.push(unit);
  }
  return found;
}

/** Copies text; says whether that worked. The clipboard API exists only on https and localhost, elsewhere the old command must do. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "sr";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Hands a file to the reader. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
