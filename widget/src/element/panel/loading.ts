import { useEffect, useState } from "preact/hooks";
import { Trouble } from "../../core/index.js";
import { usePanel } from "./context.js";

export type Loading<Value> =
  | { readonly name: "loading" }
  | { readonly name: "loaded"; readonly value: Value }
  | { readonly name: "failed"; readonly trouble: Trouble };

/** Loads a value when the view opens and whenever `again` is called. */
export function useLoading<Value>(load: () => Promise<Value>): readonly [Loading<Value>, () => void] {
  const { report } = usePanel();
  const [state, setState] = useState<Loading<Value>>({ name: "loading" });
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it loads once a round, whatever renders meanwhile
  useEffect(() => {
    let isWanted = true;
    load().then(
      (value) => isWanted && setState({ name: "loaded", value }),
      (error) => {
        if (!isWanted) return;
        const trouble = asTrouble(error);
        report(trouble);
        setState({ name: "failed", trouble });
      },
    );
    return () => {
      isWanted = false;
    };
  }, [round]);
  return [state, () => setRound(round + 1)];
}

export function asTrouble(error: unknown): Trouble {
  return error instanceof Trouble ? error : new Trouble("unexpected", String(error));
}
