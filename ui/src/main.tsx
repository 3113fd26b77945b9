// main: start, route, nothing else.

import { render } from 'preact';
import { App } from './views/app';
import { enter } from './state/store';

const root = document.getElementById('app')!;
root.replaceChildren();
render(<App />, root);
void enter();
if (BN_DEV) void import('./dev').then((dev) => dev.reloadOnChange());
