// A site with every generated widget: the root has one on all pages, and each page below /of/ one of its own.
/** @type {import('@docusaurus/types').Config} */
const config = {
  title: 'The Tide Gauge Handbook',
  url: 'http://localhost:3000',
  baseUrl: '/book/',
  // It is an inline style, which the strictest policy refuses.
  baseUrlIssueBanner: false,
  trailingSlash: false,
  onBrokenLinks: 'throw',
  i18n: {defaultLocale: 'en', locales: ['en']},
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
  presets: [['classic', {docs: {routeBasePath: '/'}, blog: false, sitemap: false}]],
};

export default config;
