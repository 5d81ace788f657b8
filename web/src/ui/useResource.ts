import { useCallback, useEffect, useEffectEvent, useReducer } from "react";

export interface Resource<T> {
  /** The last value loaded; while another key loads, the previous one's if `keep` is set. */
  value: T | null;
  error: unknown;
  isLoading: boolean;
}

type State<T> = Resource<T> & { key: string | null; attempt: number };

type Action<T> =
  | { type: "begin"; key: string | null; keep: boolean }
  | { type: "loaded"; key: string | null; value: T }
  | { type: "failed"; key: string | null; error: unknown }
  | { type: "reload" }
  | { type: "set"; value: T };

export function reduceResource<T>(state: State<T>, action: Action<T>): State<T> {
  switch (action.type) {
    case "begin": {
      const keep = action.keep || action.key === state.key;
      return {
        ...state,
        key: action.key,
        value: keep ? state.value : null,
        error: null,
        isLoading: action.key !== null,
      };
    }
    case "loaded":
      return action.key === state.key
        ? { ...state, value: action.value, error: null, isLoading: false }
        : state;
    case "failed":
      return action.key === state.key ? { ...state, error: action.error, isLoading: false } : state;
    case "reload":
      return { ...state, attempt: state.attempt + 1 };
    case "set":
      return { ...state, value: action.value, error: null };
    default:
      return action satisfies never;
  }
}

/** Something loaded under `key`; null loads nothing. A new key, or reload(), aborts what is under way. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  { keep = false, delayMs = 0 }: { keep?: boolean; delayMs?: number } = {},
): Resource<T> & { reload: () => void; set: (value: T) => void } {
  const [state, dispatch] = useReducer(reduceResource<T>, {
    key: null,
    attempt: 0,
    value: null,
    error: null,
    isLoading: key !== null,
  });
  const run = useEffectEvent((signal: AbortSignal) => load(signal));

  // Synchronises with the server: one request per key and attempt, dropped when either changes.
  useEffect(() => {
    dispatch({ type: "begin", key, keep });
    if (key === null) return;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      run(controller.signal).then(
        (value) => {
          if (!controller.signal.aborted) dispatch({ type: "loaded", key, value });
        },
        (error: unknown) => {
          if (!controller.signal.aborted) dispatch({ type: "failed", key, error });
        },
      );
    }, delayMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, keep, delayMs, state.attempt]);

  const reload = useCallback(() => dispatch({ type: "reload" }), []);
  const set = useCallback((value: T) => dispatch({ type: "set", value }), []);
  return { value: state.value, error: state.error, isLoading: state.isLoading, reload, set };
}
