import type { IconName } from "../../ui";

/** What all applications share; the rail leads there. */
export const places: { label: string; icon: IconName; href: string }[] = [
  { label: "Models", icon: "chip", href: "/models" },
];

/** The pages of the FAQ application, as the tabs and the palette offer them. */
export const sections: { label: string; icon: IconName; href: string }[] = [
  { label: "Chat", icon: "chat", href: "/faq" },
  { label: "Knowledge", icon: "book", href: "/faq/knowledge" },
  { label: "Inbox", icon: "inbox", href: "/faq/inbox" },
  { label: "Insights", icon: "chart", href: "/faq/insights" },
  { label: "Widget", icon: "code", href: "/faq/widget" },
];
