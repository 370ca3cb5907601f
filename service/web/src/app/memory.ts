import { useEffect, useReducer } from "preact/hooks";

/** Draws the component again whenever what it listens to changes. */
export function useChanges(source: { listen(listener: () => void): () => void }): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => source.listen(() => again(null)), [source]);
}
