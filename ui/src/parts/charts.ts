// charts: the drawing library, fetched behind the first paint and once.

import type uPlot from 'uplot';

let library: Promise<typeof uPlot> | null = null;

export function loadCharts(): Promise<typeof uPlot> {
  library ??= import('uplot').then((m) => m.default);
  library.catch(() => {
    library = null; // the next chart tries again
  });
  return library;
}
