import { useEffect, useEffectEvent, useReducer, useRef, useState } from "react";
import {
  api,
  type AnswerSource,
  type Conversation,
  describeError,
  isAbort,
  type Rating,
  streamAnswer,
} from "../../api";
import { showErrorToast, showToast } from "../../ui";
import { kEmptyChat, liveMessage, reduceChat, stoppableId } from "./reducer";

/** Tokens that arrive closer together than this are drawn together. */
const kDrawEveryMs = 33;

export interface ChatOptions {
  /** Where a new conversation begins. */
  kb: string | null;
  /** The conversation to show, null for one that is yet to begin. */
  conversationId: string | null;
  model?: string | undefined;
  onCreated?: (conversation: Conversation) => void;
  onChanged?: (conversation: Conversation) => void;
}

export function useChat({ kb, conversationId, model, onCreated, onChanged }: ChatOptions) {
  const [state, dispatch] = useReducer(reduceChat, kEmptyChat);
  const [attempt, setAttempt] = useState(0);
  const running = useRef<AbortController | null>(null);
  /** The conversation that `state` holds, also before its address has changed. */
  const held = useRef<string | null>(null);

  const follow = async (source: AnswerSource, controller: AbortController) => {
    let text = "";
    let timer: ReturnType<typeof setTimeout> | null = null;
    const draw = () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      if (text !== "" && !controller.signal.aborted)
        dispatch({ type: "event", event: { type: "delta", text } });
      text = "";
    };
    try {
      for await (const event of streamAnswer(source, controller.signal)) {
        if (event.type === "delta") {
          text += event.text;
          timer ??= setTimeout(draw, kDrawEveryMs);
          continue;
        }
        draw();
        if (event.type === "lost") {
          const thread = await api.getConversation(source.conversationId, controller.signal);
          dispatch({ type: "loaded", thread });
        } else {
          dispatch({ type: "event", event });
          if (event.type === "done") onChanged?.(event.conversation);
        }
      }
    } catch (error) {
      draw();
      if (!isAbort(error) && !controller.signal.aborted)
        dispatch({ type: "failed", message: describeError(error) });
    } finally {
      if (timer !== null) clearTimeout(timer);
      if (running.current === controller) running.current = null;
    }
  };

  const begin = () => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    return controller;
  };

  const open = useEffectEvent(async (id: string, signal: AbortSignal) => {
    dispatch({ type: "loading" });
    try {
      const thread = await api.getConversation(id, signal);
      if (signal.aborted) return;
      held.current = id;
      dispatch({ type: "loaded", thread });
      const last = thread.messages.at(-1);
      if (last?.status !== "streaming") return;
      const controller = begin();
      dispatch({ type: "attached" });
      void follow({ conversationId: id, begin: { kind: "attach", messageId: last.id } }, controller);
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) dispatch({ type: "load_failed", error });
    }
  });

  const clear = useEffectEvent(() => {
    held.current = null;
    dispatch({ type: "cleared" });
  });

  // Synchronises with the server: shows the conversation of the address, unless it is the one that began here.
  useEffect(() => {
    if (conversationId === held.current && attempt === 0) return;
    running.current?.abort();
    clear();
    if (conversationId === null) return;
    const controller = new AbortController();
    void open(conversationId, controller.signal);
    return () => controller.abort();
  }, [conversationId, attempt]);

  // Closes the stream when the page goes; the server finishes the answer and keeps it.
  useEffect(() => () => running.current?.abort(), []);

  const ask = async (question: string) => {
    const text = question.trim();
    if (text === "" || liveMessage(state) || (kb === null && state.conversation === null)) return;
    const controller = begin();
    dispatch({ type: "asked", text, now: new Date().toISOString() });
    try {
      let id = state.conversation?.id ?? null;
      if (id === null) {
        const created = await api.createConversation(kb ?? "");
        if (controller.signal.aborted) return;
        id = created.id;
        held.current = id;
        dispatch({ type: "created", conversation: created });
        onCreated?.(created);
      }
      await follow({ conversationId: id, begin: { kind: "ask", text, model } }, controller);
    } catch (error) {
      if (!controller.signal.aborted) dispatch({ type: "failed", message: describeError(error) });
    }
  };

  const retry = async (messageId: string) => {
    const id = state.conversation?.id;
    if (id === undefined || liveMessage(state)) return;
    const controller = begin();
    dispatch({ type: "retried", messageId });
    await follow({ conversationId: id, begin: { kind: "retry", messageId, model } }, controller);
  };

  const stop = async () => {
    const messageId = stoppableId(state);
    const id = state.conversation?.id;
    if (messageId !== null && id !== undefined) {
      try {
        await api.stopAnswer(id, messageId); // the stream then ends with `done`
      } catch (error) {
        showErrorToast(error);
      }
    } else if (liveMessage(state)) {
      running.current?.abort();
      dispatch({ type: "failed", message: "Stopped before the server took the question." });
    }
  };

  const rate = async (messageId: string, rating: Rating, comment?: string) => {
    const before = state.messages.find((message) => message.id === messageId)?.rating ?? null;
    dispatch({ type: "rated", messageId, rating });
    try {
      await api.rateMessage(messageId, rating, comment);
      if (comment) showToast("Thank you for the comment");
    } catch (error) {
      dispatch({ type: "rated", messageId, rating: before });
      showErrorToast(error);
    }
  };

  return {
    ...state,
    isLoading: state.load.isLoading,
    loadError: state.load.error,
    reload: () => setAttempt((n) => n + 1),
    ask,
    retry,
    stop,
    rate,
    closeFailure: () => dispatch({ type: "failure_closed" }),
  };
}

export type Chat = ReturnType<typeof useChat>;
