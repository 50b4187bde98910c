import type { SessionState } from "../../../core/index.js";
import type { Strings } from "../../strings/index.js";
import { usePanel } from "../context.js";
import { useStore } from "../store.js";

type SignedOut = Extract<SessionState, { name: "signed_out" }>;

const REASONS: Readonly<Record<SignedOut["because"], keyof Strings>> = {
  never: "signInNever",
  reader: "signInReader",
  ended: "signInEnded",
  there: "signInReader",
  cancelled: "signInCancelled",
  failed: "signInFailed",
};

/** Stands above the input while the reader is not signed in, and says how to get there. */
export function Gate() {
  const { chatgate, words } = usePanel();
  const state = useStore(chatgate.session.state);
  if (state.name === "checking") return <p class="gate quiet">{words.say("checking")}</p>;
  if (state.name === "signing_in") return <SigningIn by={state.by} />;
  if (state.name === "signed_out") return <SignedOutCard state={state} />;
  return state.isKept ? null : <p class="gate quiet">{words.say("notKept")}</p>;
}

function SigningIn({ by }: { readonly by: "popup" | "redirect" }) {
  const { words } = usePanel();
  return (
    <div class="gate card">
      <p>{words.say(by === "popup" ? "signingInPopup" : "signingInRedirect")}</p>
      {/* The way back of a browser may lead to the page as it was left. */}
      <SignInButton label={words.say(by === "popup" ? "openAgain" : "signIn")} isPlain />
    </div>
  );
}

function SignedOutCard({ state }: { readonly state: SignedOut }) {
  const { words } = usePanel();
  const reason = words.say(REASONS[state.because]);
  // The trouble of `cancelled` would only repeat the reason.
  const trouble = state.trouble && state.because !== "cancelled" ? words.trouble(state.trouble) : null;
  return (
    <div class="gate card">
      <p class="card-title">{words.say("signInTitle")}</p>
      <p>{trouble && state.because === "failed" ? trouble : reason}</p>
      <SignInButton label={words.say("signIn")} />
    </div>
  );
}

interface SignInButtonProps {
  readonly label: string;
  readonly isPlain?: boolean;
}

export function SignInButton({ label, isPlain = false }: SignInButtonProps) {
  const { chatgate, browsing } = usePanel();
  // Nothing may be awaited before: the browser only lets a click open the window.
  const signIn = () => chatgate.session.signIn(browsing);
  return (
    <button type="button" class={isPlain ? "button" : "button primary"} data-sign-in onClick={signIn}>
      {label}
    </button>
  );
}
