import {StrictMode} from 'react';
import {hydrateRoot} from 'react-dom/client';
import {App} from './app.jsx';

window.went = [];
const options = JSON.parse(decodeURIComponent(location.hash.slice(1)));
hydrateRoot(
  document.getElementById('root'),
  <StrictMode>
    <App options={options} />
  </StrictMode>,
);
