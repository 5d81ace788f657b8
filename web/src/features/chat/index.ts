export { ChatView, useModelChoice } from "./ChatView";
export { liveMessage } from "./reducer";
export { type Chat, useChat } from "./useChat";
