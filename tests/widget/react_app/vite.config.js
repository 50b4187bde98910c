// REACT says which React the app is built with; both are installed.
const names = process.env.REACT === '18' ? {react: 'react-18', 'react-dom': 'react-dom-18'} : {};

export default {
  base: './',
  esbuild: {jsx: 'automatic'},
  resolve: {alias: names},
  // So that the names above hold on the server too.
  ssr: {noExternal: true},
  build: {minify: false},
};
