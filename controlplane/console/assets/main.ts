// Where the page begins.
import { h, render } from 'preact';

import { App } from './app.ts';

const place = document.querySelector('#console');
if (place !== null) {
  place.textContent = '';
  render(h(App, {}), place);
}
