// The quote behind a marker, while the pointer or the focus is on it.
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { brief, dotted, placeOf } from "../shared/text.ts";
import type { Citation } from "../shared/types.ts";

const MARGIN = 12;

export function Peek({ find }: { find: (marker: Element) => Citation | undefined }): JSX.Element | null {
  const [shown, setShown] = useState<{ marker: Element; citation: Citation } | null>(null);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const show = (event: Event): void => {
      const marker = event.target instanceof Element ? event.target.closest("button.marker") : null;
      const citation = marker ? find(marker) : undefined;
      if (marker && citation) setShown({ marker, citation });
    };
    const hide = (): void => setShown(null);
    const escape = (event: KeyboardEvent): void => {
      if (event.key === "Escape") hide();
    };
    const on = { mouseover: show, focusin: show, mouseout: hide, focusout: hide, click: hide };
    for (const [type, listener] of Object.entries(on)) document.addEventListener(type, listener);
    document.addEventListener("keydown", escape);
    document.addEventListener("scroll", hide, { capture: true, passive: true });
    return () => {
      for (const [type, listener] of Object.entries(on)) document.removeEventListener(type, listener);
      document.removeEventListener("keydown", escape);
      document.removeEventListener("scroll", hide, { capture: true });
    };
  }, [find]);

  useLayoutEffect(() => {
    if (!shown || !box.current) return undefined;
    const spot = shown.marker.getBoundingClientRect();
    const { style, offsetWidth, offsetHeight } = box.current;
    const above = spot.top - offsetHeight - 8;
    style.left = `${Math.max(MARGIN, Math.min(spot.left - 24, window.innerWidth - offsetWidth - MARGIN))}px`;
    style.top = `${above > 8 ? above : spot.bottom + 8}px`;
    shown.marker.setAttribute("aria-describedby", "peek");
    return () => shown.marker.removeAttribute("aria-describedby");
  }, [shown]);

  if (!shown) return null;
  const { citation } = shown;
  return (
    <div id="peek" role="tooltip" ref={box}>
      <span class="quote">{brief(citation.quote, 160)}</span>
      <span class="where">{dotted(citation.title, placeOf(citation.origin))}</span>
    </div>
  );
}
