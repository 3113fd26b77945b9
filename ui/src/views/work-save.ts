// work-save: gives the browser a file to keep.

const GONE_MS = 10_000; // by then it has been read

export function saveAs(name: string, what: Blob): void {
  const url = URL.createObjectURL(what);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), GONE_MS);
}
