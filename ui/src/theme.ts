// theme: sets the chosen theme before the first paint; runs ahead of the page so that nothing flashes.
try {
  const chosen = localStorage.getItem('binnacle.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is refused in some private windows; the system's theme applies.
}
export {};
