/** Hands a file to the browser's downloads. */
export function download(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = decodeURIComponent(url).split("/").pop() ?? "";
  document.body.append(link);
  link.click();
  link.remove();
}
