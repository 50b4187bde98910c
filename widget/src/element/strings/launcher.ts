/** The two texts of the button that every page loads; `tests/strings.test.ts` holds them to the languages' own. */
export const LAUNCHER: Readonly<Record<string, readonly [launcher: string, loadFailed: string]>> = {
  en: ["Ask a question", "The chat could not be loaded. Try again"],
  de: ["Frage stellen", "Der Chat konnte nicht geladen werden. Erneut versuchen"],
  es: ["Hacer una pregunta", "No se pudo cargar el chat. Reintentar"],
  fr: ["Poser une question", "Le chat n’a pas pu être chargé. Réessayer"],
  ar: ["اطرح سؤالًا", "تعذّر تحميل المحادثة. أعد المحاولة"],
  ur: ["سوال پوچھیں", "چیٹ لوڈ نہیں ہو سکی۔ دوبارہ کوشش کریں"],
  zh: ["提问", "无法加载聊天。重试"],
  ja: ["質問する", "チャットを読み込めませんでした。再試行"],
};
