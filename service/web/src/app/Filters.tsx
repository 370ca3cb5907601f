// Which documents may answer: chosen in a panel, shown as chips.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { VALIDITY, chineseDate, validityLabel } from "../shared/text.ts";
import type { DocumentInfo, Filters } from "../shared/types.ts";

type ListField = "documents" | "issuers" | "regions" | "kinds" | "validity";
type DateField = "published_from" | "published_to" | "as_of";

export interface Chip {
  field: ListField | DateField;
  value: string;
  label: string;
  shown: string;
}

const LISTS: [ListField, string][] = [
  ["documents", "文件"],
  ["issuers", "机关"],
  ["regions", "地区"],
  ["kinds", "类别"],
  ["validity", "效力"],
];
const DATES: [DateField, string][] = [
  ["published_from", "发布不早于"],
  ["published_to", "发布不晚于"],
  ["as_of", "效力以此日为准"],
];
const DATE = /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$/;

export function chipsOf(filters: Filters, documents: DocumentInfo[]): Chip[] {
  const lists = LISTS.flatMap(([field, label]) =>
    (filters[field] ?? []).map((value) => {
      let shown = value;
      if (field === "documents") shown = documents.find((info) => info.doc_id === value)?.title ?? value;
      if (field === "validity") shown = validityLabel(value);
      return { field, value, label, shown };
    }),
  );
  const dates = DATES.flatMap(([field, label]) => {
    const value = filters[field];
    return value ? [{ field, value, label, shown: chineseDate(value) }] : [];
  });
  return [...lists, ...dates];
}

const isDate = (field: ListField | DateField): field is DateField => DATES.some(([name]) => name === field);

export function without(filters: Filters, chip: Chip): Filters {
  const changed = { ...filters };
  if (isDate(chip.field)) delete changed[chip.field];
  else {
    const left = (filters[chip.field] ?? []).filter((value) => value !== chip.value);
    if (left.length) changed[chip.field] = left;
    else delete changed[chip.field];
  }
  return changed;
}

/** What there is to choose from. */
const values = (documents: DocumentInfo[], of: (info: DocumentInfo) => string): string[] =>
  [...new Set(documents.map(of).filter(Boolean))].sort((a, b) => a.localeCompare(b, "zh-CN"));

export function FilterPanel({
  documents,
  filters,
  onFilters,
  onClose,
}: {
  documents: DocumentInfo[];
  filters: Filters;
  onFilters: (filters: Filters) => void;
  onClose: () => void;
}): JSX.Element {
  const first = useRef<HTMLSelectElement>(null);
  const [draft, setDraft] = useState<Record<DateField, string>>({
    published_from: filters.published_from ?? "",
    published_to: filters.published_to ?? "",
    as_of: filters.as_of ?? "",
  });
  useEffect(() => first.current?.focus(), []);

  const add = (field: ListField, value: string): void => {
    if (value) onFilters({ ...filters, [field]: [...new Set([...(filters[field] ?? []), value])] });
  };
  const date = (field: DateField, value: string): void => {
    setDraft({ ...draft, [field]: value });
    const changed = { ...filters };
    delete changed[field];
    if (DATE.test(value.trim())) changed[field] = value.trim();
    onFilters(changed);
  };
  const choices: [ListField, string, { value: string; shown: string }[]][] = [
    ["documents", "指定文件", documents.map((info) => ({ value: info.doc_id, shown: info.title }))],
    ["issuers", "发文机关", values(documents, (info) => info.issuer).map((value) => ({ value, shown: value }))],
    ["regions", "地区", values(documents, (info) => info.region).map((value) => ({ value, shown: value }))],
    ["kinds", "类别", values(documents, (info) => info.kind).map((value) => ({ value, shown: value }))],
    ["validity", "效力", Object.entries(VALIDITY).map(([value, shown]) => ({ value, shown }))],
  ];
  return (
    <fieldset class="filters">
      <legend>只从符合条件的文件中回答</legend>
      {choices.map(([field, label, options], i) => (
        <label key={field}>
          {label}
          <select
            class="input"
            ref={i === 0 ? first : null}
            disabled={options.length === 0}
            value=""
            onChange={(event) => { add(field, event.currentTarget.value); event.currentTarget.value = ""; }}
          >
            <option value="">{options.length ? "选择…" : "（文件未注明）"}</option>
            {options.map((option) => (
              <option key={option.value} value={option.value} disabled={filters[field]?.includes(option.value)}>
                {option.shown}
              </option>
            ))}
          </select>
        </label>
      ))}
      {DATES.map(([field, label]) => (
        <label key={field}>
          {label}
          <input
            class="input"
            inputMode="numeric"
            placeholder={field === "as_of" ? "如 2022-11-30，空白为今天" : "如 2022 或 2022-11"}
            value={draft[field]}
            aria-invalid={draft[field].trim() !== "" && !DATE.test(draft[field].trim())}
            onInput={(event) => date(field, event.currentTarget.value)}
          />
        </label>
      ))}
      <p class="buttons">
        <button type="button" class="quiet" disabled={Object.keys(filters).length === 0} onClick={() => { onFilters({}); setDraft({ published_from: "", published_to: "", as_of: "" }); }}>
          全部清除
        </button>
        <button type="button" class="quiet framed" onClick={onClose}>完成</button>
      </p>
    </fieldset>
  );
}
