/**
 * Stands for `chatgate-widget/element` in a site's bundle. The element's files are beside the bundle as they are in
 * the package, so that a site's build neither reads nor minifies them anew.
 */
import globalData from "@generated/globalData";
import type { Site } from "./site.js";

const site = globalData["chatgate-widget"]?.default as Site;

import(/* webpackIgnore: true */ site.script).catch((error) =>
  console.error(
    "[chatgate] The widget's script could not be loaded. Are all files of the build published?",
    error,
  ),
);
