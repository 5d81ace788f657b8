import type { AnswerEvent, Conversation, Message, Rating, Thread } from "../../api";

/**
 * A conversation as the page shows it. Invariants:
 *  1. at most one message has the status "streaming", and it is the last;
 *  2. `phase` is "idle" exactly when there is none.
 */
export interface ChatState {
  /** Counts the conversations shown here; a view starts afresh when it changes. */
  generation: number;
  /** Whether a stored conversation is being read, and why it could not be. */
  load: { isLoading: boolean; error: unknown };
  conversation: Conversation | null;
  messages: readonly Message[];
  phase: "idle" | "waiting" | "streaming";
  /** What delays the answer ("Connection lost, reconnecting …"), if anything. */
  notice: string | null;
  /** Why the last question got no answer at all; its text goes back to the person. */
  failure: { message: string; question: string } | null;
}

export const kEmptyChat: ChatState = {
  generation: 0,
  load: { isLoading: false, error: null },
  conversation: null,
  messages: [],
  phase: "idle",
  notice: null,
  failure: null,
};

export type ChatAction =
  | { type: "cleared" }
  | { type: "loading" }
  | { type: "load_failed"; error: unknown }
  | { type: "loaded"; thread: Thread }
  | { type: "created"; conversation: Conversation }
  | { type: "asked"; text: string; now: string }
  | { type: "retried"; messageId: string }
  | { type: "attached" }
  | { type: "event"; event: AnswerEvent }
  | { type: "failed"; message: string }
  | { type: "failure_closed" }
  | { type: "rated"; messageId: string; rating: Rating };

const kPendingId = "pending-answer";
const kPendingQuestionId = "pending-question";

function blankMessage(id: string, role: Message["role"], text: string, now: string): Message {
  return {
    id,
    role,
    text,
    status: role === "assistant" ? "streaming" : "complete",
    created_at: now,
    refused: false,
    confidence: null,
    entries: [],
    nearest: [],
    model: "",
    provider: "",
    prompt: null,
    usage: null,
    cost_usd: null,
    latency_ms: null,
    first_token_ms: null,
    error: null,
    rating: null,
    trace_id: null,
  };
}

export function liveMessage(state: ChatState): Message | null {
  const last = state.messages.at(-1);
  return last?.status === "streaming" ? last : null;
}

/** The id under which the server can be told to stop, null before it has given one. */
export function stoppableId(state: ChatState): string | null {
  const live = liveMessage(state);
  return live && live.id !== kPendingId ? live.id : null;
}

function withLive(
  state: ChatState,
  change: (live: Message) => Message,
  rest: Partial<ChatState> = {},
): ChatState {
  const live = liveMessage(state);
  if (!live) return state;
  return { ...state, ...rest, messages: [...state.messages.slice(0, -1), change(live)] };
}

function reduceEvent(state: ChatState, event: AnswerEvent): ChatState {
  switch (event.type) {
    case "start": {
      const { user_message: question, message_id: id, model } = event;
      const next = withLive(state, (live) => ({ ...live, id, model, text: "" }), {
        phase: "waiting",
        notice: null,
      });
      if (!question) return next;
      const messages = next.messages.map((message) =>
        message.id === kPendingQuestionId ? question : message,
      );
      return { ...next, messages };
    }
    case "delta":
      return withLive(state, (live) => ({ ...live, text: live.text + event.text }), {
        phase: "streaming",
        notice: null,
      });
    case "reset":
      return withLive(state, (live) => ({ ...live, text: "" }), { phase: "waiting", notice: null });
    case "retry":
      return {
        ...state,
        notice: `${event.reason || "The model is busy"}; trying again (attempt ${event.attempt}).`,
      };
    case "reconnecting":
      return { ...state, notice: "Connection lost; reconnecting …" };
    case "done":
      return withLive(state, () => event.message, {
        conversation: event.conversation,
        phase: "idle",
        notice: null,
      });
    case "lost":
      return state; // the owner of this state loads the conversation again
    default:
      return event satisfies never;
  }
}

export function reduceChat(state: ChatState, action: ChatAction): ChatState {
  switch (action.type) {
    case "cleared":
      return { ...kEmptyChat, generation: state.generation + 1 };
    case "loading":
      return { ...state, load: { isLoading: true, error: null } };
    case "load_failed":
      return { ...state, load: { isLoading: false, error: action.error } };
    case "loaded": {
      const { conversation, messages } = action.thread;
      const isLive = messages.at(-1)?.status === "streaming";
      return {
        ...state,
        load: kEmptyChat.load,
        conversation,
        messages,
        phase: isLive ? "streaming" : "idle",
        notice: null,
        failure: null,
      };
    }
    case "created":
      return { ...state, conversation: action.conversation };
    case "asked":
      return {
        ...state,
        messages: [
          ...state.messages,
          blankMessage(kPendingQuestionId, "user", action.text, action.now),
          blankMessage(kPendingId, "assistant", "", action.now),
        ],
        phase: "waiting",
        notice: null,
        failure: null,
      };
    case "retried": {
      const last = state.messages.at(-1);
      if (last?.id !== action.messageId) return state;
      return {
        ...state,
        messages: [
          ...state.messages.slice(0, -1),
          blankMessage(kPendingId, "assistant", "", last.created_at),
        ],
        phase: "waiting",
        notice: null,
        failure: null,
      };
    }
    case "attached":
      // The stream is played from its beginning.
      return withLive(state, (live) => ({ ...live, text: "" }));
    case "event":
      return reduceEvent(state, action.event);
    case "failed": {
      const live = liveMessage(state);
      if (!live)
        return { ...state, phase: "idle", notice: null, failure: { message: action.message, question: "" } };
      if (live.text !== "") {
        const kept = withLive(state, () => ({ ...live, status: "interrupted", error: action.message }));
        return { ...kept, phase: "idle", notice: null };
      }
      const before = state.messages.slice(0, -1);
      const question = before.at(-1);
      const wasStored = question?.id !== kPendingQuestionId;
      return {
        ...state,
        // A question the server has stored stays, with an answer that can be tried again.
        messages: wasStored
          ? [...before, { ...live, status: "failed", error: action.message }]
          : before.slice(0, -1),
        phase: "idle",
        notice: null,
        failure: wasStored ? null : { message: action.message, question: question?.text ?? "" },
      };
    }
    case "failure_closed":
      return { ...state, failure: null };
    case "rated":
      return {
        ...state,
        messages: state.messages.map((message) =>
          message.id === action.messageId ? { ...message, rating: action.rating } : message,
        ),
      };
    default:
      return action satisfies never;
  }
}
