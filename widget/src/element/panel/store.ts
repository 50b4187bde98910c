import { useEffect, useLayoutEffect, useReducer } from "preact/hooks";
import type { StoreApi } from "zustand/vanilla";
import { onFrame } from "./frames.js";

/** The store's state; renders again at most once a frame, however often the state changes. */
export function useStore<State>(store: StoreApi<State>): State {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const state = store.getState();
  useLayoutEffect(() => {
    let cancel: (() => void) | null = null;
    const change = () => {
      cancel ??= onFrame(() => {
        cancel = null;
        render(undefined);
      });
    };
    const unsubscribe = store.subscribe(change);
    // The state may have changed between the first rendering and now.
    change();
    return () => {
      unsubscribe();
      cancel?.();
    };
  }, [store]);
  return state;
}

/** Seconds from now until `time` (milliseconds since the epoch), counted down to 0. */
export function useCountdown(time: number, onZero: () => void): number {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const left = Math.max(0, Math.ceil((time - Date.now()) / 1_000));
  // biome-ignore lint/correctness/useExhaustiveDependencies: what happens at zero may be another function each time
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(
      () => {
        render(undefined);
        if (Date.now() >= time) onZero();
      },
      time - Date.now() - (left - 1) * 1_000 + 5,
    );
    return () => clearTimeout(timer);
  }, [left, time]);
  return left;
}
