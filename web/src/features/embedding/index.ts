export { EmbeddingView } from "./EmbeddingView";
