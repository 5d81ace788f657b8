export { ConversationList, conversationPath, exportConversation } from "./ConversationList";
export { type Conversations, useConversations } from "./useConversations";
