/** The messages between the tabs of one site, and the lock by which one tab acts for all. */

export type TabMessage =
  | { readonly type: "signed_in" }
  | { readonly type: "signed_out"; readonly because: "reader" | "ended" | "there" }
  | {
      readonly type: "renewed";
      /** The id of the session (vault.ts). */
      readonly of: string;
      readonly token: string;
      readonly isBound: boolean;
      readonly expiresAt: number;
    };

export interface Tabs {
  tell(message: TabMessage): void;
  /** Runs `work` under the lock of this site's tabs. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

export function createTabs(namespace: string, hear: (message: TabMessage) => void): Tabs {
  const channel = openChannel(namespace);
  if (channel) channel.onmessage = (event: MessageEvent<TabMessage>) => hear(event.data);
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    tell: (message) => channel?.postMessage(message),
    async alone(work) {
      let hasBegun = false;
      const begun = () => {
        hasBegun = true;
        return work();
      };
      if (globalThis.navigator?.locks) {
        try {
          return await navigator.locks.request(namespace, begun);
        } catch (error) {
          // A browser that blocks storage blocks locks too; the tabs then share no session to race for.
          if (hasBegun) throw error;
        }
      }
      return inTurn(work);
    },
    close: () => channel?.close(),
  };
}

function openChannel(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null;
  }
}
