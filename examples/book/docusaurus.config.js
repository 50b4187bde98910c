// @ts-check

/** @type {import('@docusaurus/types').Config} */
const config = {
  title: 'The Tide Gauge Handbook',
  tagline: 'Build, run and trust a small water level station',
  url: 'https://example.org',
  baseUrl: '/book/',
  trailingSlash: false,
  onBrokenLinks: 'throw',
  onBrokenAnchors: 'throw',
  markdown: {mermaid: false, hooks: {onBrokenMarkdownLinks: 'throw'}},
  presets: [
    [
      'classic',
      {
        docs: {routeBasePath: '/'},
        blog: false,
      },
    ],
  ],
};

export default config;
