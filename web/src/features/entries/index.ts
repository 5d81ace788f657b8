export { EntryPanel, entryPath } from "./EntryPanel";
