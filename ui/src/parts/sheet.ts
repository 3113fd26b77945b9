// sheet: stands in for a <style> element where the page's policy allows styles of its own files only.
//
// What a <style> element holds is "inline" and blocked; the same rules given to a sheet by a script are not. build.mjs
// puts this in the place of the elements that xterm makes.

/** In the document nothing but a hidden place; what is written into it becomes rules, and goes with it. */
export function sheetElement(): HTMLElement {
  const sheet = new CSSStyleSheet();
  const place = document.createElement('span');
  place.hidden = true;
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperties(place, {
    textContent: { set: (text: string) => sheet.replaceSync(text), get: () => '' },
    remove: { value: () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== sheet);
      Element.prototype.remove.call(place);
    } },
  });
  return place;
}
