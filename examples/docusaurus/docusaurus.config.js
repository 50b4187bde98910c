// @ts-check

// `make site` serves the site there, beside the services of `make up`. A site for readers has https addresses.
const port = process.env.CHATGATE_SITE_PORT || '3001';
const broker = process.env.CHATGATE_BROKER_URL || 'http://127.0.0.1:8000';
const proxy = process.env.CHATGATE_PROXY_URL || 'http://127.0.0.1:8001';

// `make better-auth`: the site has accounts of its own, which ../better-auth/server.mjs serves. It is in one
// language, as another would take as long again to build.
const isBetterAuth = process.env.CHATGATE_EXAMPLE === 'better-auth';

/** @type {import('chatgate-widget/docusaurus').PluginOptions} */
const widget = {
  backendUrl: proxy,
  brokerUrl: broker,
  // The table [sites.docs] of the services' configuration.
  clientId: 'docs',
  // A reader may ask at once, and sign in for more.
  auth: 'guest',
  ...(isBetterAuth && {
    auth: 'better-auth',
    betterAuth: {baseURL: '/api/auth', signInUrl: '/sign-in'},
  }),
  suggestions: [
    'How often does the station record a value?',
    'Why is one reading never enough?',
    'How large a battery do I need?',
  ],
};

/** @type {import('@docusaurus/types').Config} */
const config = {
  title: 'The Tide Gauge Handbook',
  tagline: 'Build, run and trust a small water level station',
  favicon: 'favicon.svg',
  // deploy/github-pages tells both. Citations are paths of this site, as the book's index has them.
  url: process.env.SITE_URL || `http://127.0.0.1:${port}`,
  baseUrl: process.env.BASE_URL || '/book/',
  // It is an inline style, which the strictest policy refuses.
  baseUrlIssueBanner: false,
  trailingSlash: false,
  onBrokenLinks: 'throw',
  onBrokenAnchors: 'throw',
  markdown: {hooks: {onBrokenMarkdownLinks: 'throw'}},
  i18n: {defaultLocale: 'en', locales: isBetterAuth ? ['en'] : ['en', 'ar']},
  future: {
    v4: {
      removeLegacyPostBuildHeadAttribute: true,
      useCssCascadeLayers: true,
      siteStorageNamespacing: true,
      fasterByDefault: true,
      // The book's headings have their ids in the older way, `{#id}`.
      mdx1CompatDisabledByDefault: false,
    },
  },
  presets: [
    [
      'classic',
      /** @type {import('@docusaurus/preset-classic').Options} */
      ({
        docs: {path: '../book/docs', routeBasePath: '/', lastVersion: 'current', versions: {current: {label: '2.0'}}},
        blog: false,
      }),
    ],
  ],
  plugins: [['chatgate-widget/docusaurus', widget]],
  themeConfig:
    /** @type {import('@docusaurus/preset-classic').ThemeConfig} */
    ({
      navbar: {
        title: 'The Tide Gauge Handbook',
        items: [
          {to: '/ask', label: 'Ask', position: 'left'},
          {type: 'docsVersionDropdown', position: 'right'},
          ...(isBetterAuth ? [] : [{type: 'localeDropdown', position: 'right'}]),
        ],
      },
    }),
};

export default config;
