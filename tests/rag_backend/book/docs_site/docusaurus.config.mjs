// @ts-check
import remarkMath from 'remark-math';

/** @type {import('@docusaurus/types').Config} */
export default {
  title: 'Constructs',
  url: 'https://docs.example.org',
  baseUrl: '/',
  onBrokenLinks: 'ignore',
  future: {
    v4: {
      removeLegacyPostBuildHeadAttribute: true,
      useCssCascadeLayers: true,
      siteStorageNamespacing: true,
      fasterByDefault: true,
      // Headings have their ids in the older way too, `{#id}`, and comments are HTML's.
      mdx1CompatDisabledByDefault: false,
    },
  },
  onDuplicateRoutes: 'warn',
  presets: [
    [
      'classic',
      {
        docs: {
          routeBasePath: '/',
          sidebarPath: undefined,
          versions: {current: {label: 'Newest', path: 'newest'}},
          remarkPlugins: [remarkMath],
        },
        blog: false,
        theme: {},
      },
    ],
  ],
};
