import type { Browsing } from "../../core/index.js";

const WIDTH = 480;
const HEIGHT = 680;

/** The functions by which the core opens windows and leaves the page. `lang` is the widget's language. */
export const browsingIn = (lang: string): Browsing => ({
  openPopup() {
    const left = Math.round(screenX + (outerWidth - WIDTH) / 2);
    const top = Math.round(screenY + (outerHeight - HEIGHT) / 2);
    const opened = open("", "_blank", `popup,width=${WIDTH},height=${HEIGHT},left=${left},top=${top}`);
    if (!opened) return null;
    return {
      goTo(url) {
        opened.location.replace(url);
        opened.focus();
      },
    };
  },
  leaveFor: (url) => location.assign(url),
  here: () => location.href,
  language: () => lang,
});
