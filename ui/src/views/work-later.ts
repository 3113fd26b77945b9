// work-later: what is typed, once the typing rests.

import { useEffect, useState } from 'preact/hooks';

const TYPED_MS = 250;

export function useLater(text: string): string {
  const [later, setLater] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setLater(text), TYPED_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return later;
}
