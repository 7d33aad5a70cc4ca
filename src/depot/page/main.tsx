import { render } from 'preact';
import { App } from './app.tsx';

const room = document.getElementById('page');
if (room !== null) {
  room.replaceChildren();
  render(<App />, room);
}
