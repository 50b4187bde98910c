// Sites that stand for those of others: VARIANT says, as JSON, what differs between them.
import {themes} from 'prism-react-renderer';

const variant = JSON.parse(process.env.VARIANT || '{}');

const config = {
  title: 'A site',
  url: variant.url ?? 'http://localhost:3000',
  baseUrl: '/my-book/',
  favicon: 'favicon.svg',
  // It is an inline style, which the strictest policy refuses.
  baseUrlIssueBanner: false,
  trailingSlash: variant.trailingSlash,
  onBrokenLinks: 'throw',
  markdown: {mermaid: Boolean(variant.extras)},
  future: variant.future ?? {},
  presets: [
    ['classic', {docs: {path: 'docs'}, blog: false, pages: {}, sitemap: false}],
  ],
  plugins: [['chatgate-widget/docusaurus', variant.widget]],
  themes: [],
  themeConfig: {prism: {theme: themes.github, darkTheme: themes.dracula, additionalLanguages: ['toml']}},
};
if (variant.extras) {
  config.plugins.push(['@docusaurus/plugin-content-docs', {id: 'guides', path: 'guides', routeBasePath: 'guides'}]);
  config.themes.push('@docusaurus/theme-mermaid', '@docusaurus/theme-live-codeblock');
  config.themes.push(['@easyops-cn/docusaurus-search-local', {hashed: true, indexBlog: false, docsRouteBasePath: ['docs', 'guides']}]);
}

export default config;
