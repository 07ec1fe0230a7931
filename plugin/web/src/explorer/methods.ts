/** Names of map methods on screen. */
const NAMES: Readonly<Record<string, string>> = { umap: "UMAP", tsne: "t-SNE", pca: "PCA" };

export const methodName = (method: string): string => NAMES[method.toLowerCase()] ?? method;
