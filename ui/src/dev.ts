// dev: while `make dev` runs, a page whose files changed loads itself again; never part of the shipped page.

const EVERY_MS = 700;
let last = '';

async function look(): Promise<void> {
  try {
    const answer = await fetch('index.html', { cache: 'no-store' });
    const text = answer.ok ? await answer.text() : last;
    if (last !== '' && text !== last) location.reload();
    last = text;
  } catch {
    // the server is being rebuilt
  }
}

export function reloadOnChange(): void {
  setInterval(() => void look(), EVERY_MS);
}
