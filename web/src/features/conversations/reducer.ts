import type { Conversation } from "../../api";

export interface ConversationsState {
  /** Newest first. */
  items: readonly Conversation[];
  nextCursor: string | null;
  /** Deleted on this page, with the server not yet told: still to be undone. */
  hidden: ReadonlySet<string>;
}

export const kNoConversations: ConversationsState = { items: [], nextCursor: null, hidden: new Set() };

export type ConversationsAction =
  | { type: "loaded"; items: readonly Conversation[]; nextCursor: string | null }
  | { type: "loaded_more"; items: readonly Conversation[]; nextCursor: string | null }
  | { type: "changed"; conversation: Conversation }
  | { type: "hidden"; id: string }
  | { type: "restored"; id: string }
  | { type: "deleted"; id: string };

export function reduceConversations(
  state: ConversationsState,
  action: ConversationsAction,
): ConversationsState {
  switch (action.type) {
    case "loaded":
      return { ...state, items: action.items, nextCursor: action.nextCursor };
    case "loaded_more": {
      const known = new Set(state.items.map((item) => item.id));
      const added = action.items.filter((item) => !known.has(item.id));
      return { ...state, items: [...state.items, ...added], nextCursor: action.nextCursor };
    }
    case "changed": {
      const rest = state.items.filter((item) => item.id !== action.conversation.id);
      const items = [...rest, action.conversation].sort((a, b) => b.updated_at.localeCompare(a.updated_at));
      return { ...state, items };
    }
    case "hidden":
      return { ...state, hidden: new Set([...state.hidden, action.id]) };
    case "restored":
    case "deleted": {
      const hidden = new Set(state.hidden);
      hidden.delete(action.id);
      const isGone = action.type === "deleted";
      return {
        ...state,
        hidden,
        items: isGone ? state.items.filter((item) => item.id !== action.id) : state.items,
      };
    }
    default:
      return action satisfies never;
  }
}

export interface ConversationGroup {
  title: string;
  items: Conversation[];
}

/** `ageInDays` is passed in so that this stays pure. */
export function groupByAge(
  items: readonly Conversation[],
  ageInDays: (item: Conversation) => number,
): ConversationGroup[] {
  const groups: ConversationGroup[] = [
    { title: "Today", items: [] },
    { title: "Yesterday", items: [] },
    { title: "Last 7 days", items: [] },
    { title: "Older", items: [] },
  ];
  for (const item of items) {
    const age = ageInDays(item);
    groups[age <= 0 ? 0 : age === 1 ? 1 : age < 7 ? 2 : 3]?.items.push(item);
  }
  return groups.filter((group) => group.items.length > 0);
}
