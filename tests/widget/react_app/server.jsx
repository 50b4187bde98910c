import {version} from 'react';
import {renderToString} from 'react-dom/server';
import {App} from './app.jsx';

console.log(JSON.stringify({version, html: renderToString(<App options={{}} />)}));
