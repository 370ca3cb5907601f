import { useEffect, useState } from "preact/hooks";
import { isAbort, messageOf, type Api } from "../shared/api.ts";
import type { Session } from "../app/session.ts";

export interface Loaded<T> {
  /** Null until it is there. */
  value: T | null;
  problem: string;
  set: (value: T) => void;
  again: () => void;
}

/** What `load` gives, loaded again when one of `inputs` changes. */
export function useLoaded<T>(session: Session, load: (api: Api) => Promise<T>, inputs: unknown[] = []): Loaded<T> {
  const [value, set] = useState<T | null>(null);
  const [problem, setProblem] = useState("");
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isLatest = true;
    set(null);
    setProblem("");
    session.run(load).then(
      (found) => isLatest && set(found),
      (error: unknown) => isLatest && !isAbort(error) && setProblem(messageOf(error)),
    );
    return () => {
      isLatest = false;
    };
  }, [...inputs, round]);
  return { value, problem, set, again: () => setRound((was) => was + 1) };
}

/** "2026-11-21T01:43:53Z" → "2026-11-21 09:43", in the reader's time. */
export function localTime(iso: string): string {
  const time = new Date(iso);
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
