import { useCallback, useEffect, useEffectEvent, useReducer, useRef, useState } from "react";
import { api, type Conversation } from "../../api";
import { kToastMs, showErrorToast, showToast, useResource } from "../../ui";
import { kNoConversations, reduceConversations } from "./reducer";

export function useConversations(generation: number) {
  const [query, setQuery] = useState("");
  const [state, dispatch] = useReducer(reduceConversations, kNoConversations);
  const list = useResource(
    `${generation} ${query}`,
    async (signal) => {
      const page = await api.listConversations({ query }, signal);
      dispatch({ type: "loaded", items: page.conversations, nextCursor: page.next_cursor });
      return true;
    },
    { keep: true, delayMs: query === "" ? 0 : 180 },
  );
  const pendingDeletes = useRef(new Map<string, ReturnType<typeof setTimeout>>());

  const deleteNow = useEffectEvent((id: string, keepalive: boolean) => {
    clearTimeout(pendingDeletes.current.get(id));
    pendingDeletes.current.delete(id);
    api.deleteConversation(id, keepalive).then(
      () => dispatch({ type: "deleted", id }),
      (error: unknown) => {
        dispatch({ type: "restored", id });
        showErrorToast(error);
      },
    );
  });

  // Synchronises with the closing of the page: what was deleted must not come back because the tab was closed.
  useEffect(() => {
    const pending = pendingDeletes.current;
    const flush = () => {
      for (const id of [...pending.keys()]) deleteNow(id, true);
    };
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, []);

  const changed = useCallback(
    (conversation: Conversation) => dispatch({ type: "changed", conversation }),
    [],
  );

  const rename = async (conversation: Conversation, title: string) => {
    changed({ ...conversation, title });
    try {
      await api.renameConversation(conversation.id, title);
    } catch (error) {
      changed(conversation);
      showErrorToast(error);
    }
  };

  const remove = (conversation: Conversation, undone: () => void) => {
    const { id } = conversation;
    dispatch({ type: "hidden", id });
    const timer = setTimeout(() => {
      pendingDeletes.current.delete(id);
      api.deleteConversation(id).then(
        () => dispatch({ type: "deleted", id }),
        (error: unknown) => {
          dispatch({ type: "restored", id });
          showErrorToast(error);
        },
      );
    }, kToastMs);
    pendingDeletes.current.set(id, timer);
    showToast("Conversation deleted", {
      action: {
        label: "Undo",
        run: () => {
          clearTimeout(pendingDeletes.current.get(id));
          pendingDeletes.current.delete(id);
          dispatch({ type: "restored", id });
          undone();
        },
      },
    });
  };

  const loadMore = async () => {
    if (state.nextCursor === null) return;
    try {
      const page = await api.listConversations({ query, cursor: state.nextCursor });
      dispatch({ type: "loaded_more", items: page.conversations, nextCursor: page.next_cursor });
    } catch (error) {
      showErrorToast(error);
    }
  };

  return {
    items: state.items.filter((item) => !state.hidden.has(item.id)),
    hasMore: state.nextCursor !== null,
    query,
    setQuery,
    isLoading: list.isLoading && list.value === null,
    error: list.error,
    reload: list.reload,
    changed,
    rename,
    remove,
    loadMore,
  };
}

export type Conversations = ReturnType<typeof useConversations>;
