import { useState } from "preact/hooks";
import type { SignedInPlace, Trouble } from "../../../core/index.js";
import { usePanel } from "../context.js";
import { asTrouble, useLoading } from "../loading.js";
import { Notice } from "../notice.js";
import { useStore } from "../store.js";
import { agentOf } from "./agents.js";
import { SignInButton } from "./gate.js";

/** The reader's account, and the other places at which they are signed in. */
export function Account({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const { chatgate, words } = usePanel();
  const state = useStore(chatgate.session.state);
  if (state.name !== "signed_in")
    return (
      <div class="view">{state.name === "signed_out" && <SignInButton label={words.say("signIn")} />}</div>
    );
  if (state.as !== "reader") {
    return (
      <div class="view">
        <p class="who">{words.say("guest")}</p>
        <p>{words.say("guestText")}</p>
        <SignInButton label={words.say("signIn")} />
      </div>
    );
  }
  return <Reader onSignedOut={onSignedOut} />;
}

function Reader({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const { chatgate, words, announce, report } = usePanel();
  const [places, again] = useLoading(() => chatgate.session.places());
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const attempt = (work: Promise<void>, then: () => void) => {
    setTrouble(null);
    work.then(then, (error) => {
      report(asTrouble(error));
      setTrouble(asTrouble(error));
    });
  };
  const signOut = () => attempt(chatgate.session.signOut(), onSignedOut);
  const end = (place: SignedInPlace) => {
    if (place.isCurrent) return signOut();
    attempt(chatgate.session.endPlace(place.id), () => {
      announce(words.say("placeEnded"));
      again();
    });
  };
  const user = places.name === "loaded" ? places.value.user : null;
  return (
    <div class="view">
      <div class="who">
        <p>
          <b dir="auto">{user?.name || words.say("reader")}</b>
          {user?.email && <span dir="auto">{user.email}</span>}
        </p>
        <button type="button" class="button" onClick={signOut}>
          {words.say("signOut")}
        </button>
      </div>
      {trouble && <Notice trouble={trouble} onRetry={null} />}
      <h3>{words.say("places")}</h3>
      {places.name === "loading" && <p class="quiet">{words.say("loading")}</p>}
      {places.name === "failed" && <Notice trouble={places.trouble} onRetry={again} />}
      {places.name === "loaded" && (
        <ul class="rows">
          {places.value.places.map((place) => (
            <Place key={place.id} place={place} onEnd={() => end(place)} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Place({ place, onEnd }: { readonly place: SignedInPlace; readonly onEnd: () => void }) {
  const { words } = usePanel();
  const agent = agentOf(place.userAgent ?? "");
  const name = agent ? words.say("placeAgent", agent) : words.say("placeUnknown");
  const time = words.ago(place.createdAt, Date.now());
  return (
    <li class="row">
      <div class="entry">
        <b>
          {name} {place.isCurrent && <span class="badge">{words.say("placeThis")}</span>}
        </b>
        <span>{words.say("placeSince", { time })}</span>
      </div>
      <button
        type="button"
        class="button"
        aria-label={words.say("placeEndLabel", { place: name, time })}
        onClick={onEnd}
      >
        {words.say("placeEnd")}
      </button>
    </li>
  );
}
