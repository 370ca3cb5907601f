// Line drawings of our own, 20 by 20; they take the colour of the text around them.
import type { JSX } from "preact";

const PATHS = {
  menu: "M3 5h14M3 10h14M3 15h14",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  search: "M9 4a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM13 13l4 4",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  book: "M4 4h5a2 2 0 0 1 1 .5A2 2 0 0 1 11 4h5v11h-5a2 2 0 0 0-1 .6A2 2 0 0 0 9 15H4zM10 4.6v11",
  filter: "M3 5h14M6 10h8M8.5 15h3",
  copy: "M7 7h9v9H7zM4 13V4h9",
  print: "M6 8V3h8v5M5 14H3V8h14v6h-2M6 12h8v5H6z",
  share: "M10 12V3M6.5 6.5 10 3l3.5 3.5M4 11v6h12v-6",
  file: "M5 3h7l3 3v11H5zM12 3v3h3",
  up: "M7 9v7H4V9zM7 9l3-6c1.4 0 2 1 1.7 2.4L11.2 8H15a1.5 1.5 0 0 1 1.5 1.8l-1 5A1.5 1.5 0 0 1 14 16H7",
  down: "M7 11V4H4v7zM7 11l3 6c1.4 0 2-1 1.7-2.4L11.2 12H15a1.5 1.5 0 0 0 1.5-1.8l-1-5A1.5 1.5 0 0 0 14 4H7",
  edit: "M4 16l.8-3.2L13.6 4 16 6.4l-8.8 8.8zM12 5.6 14.4 8",
  retry: "M15.5 8A6 6 0 1 0 16 11M16 4v4h-4",
  check: "M4.5 10.5 8.5 14.5 15.5 6",
  back: "M12 4 6 10l6 6",
  next: "M5 8l5 5 5-5",
  previous: "M5 12l5-5 5 5",
  key: "M7 8a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM9.6 9.4 16 3M13.5 5.5 16 8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
      <path d={PATHS[name]} stroke-width={name === "more" ? 2.6 : undefined} />
    </svg>
  );
}
