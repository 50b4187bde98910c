// Pages of each framework for which Better Auth has a client: one component that shows the session.

// The parts of a browser that the clients and the frameworks look for. Node's own `fetch` stays.
export async function openBrowser(url) {
  const { Window } = await import("happy-dom");
  const window = new Window({ url });
  Object.defineProperty(globalThis, "window", { value: window });
  for (const name of ["document", "localStorage", "navigator", "Element", "SVGElement"]) {
    Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
  }
}

// By the framework's name: a promise of `mount(client, show)`, which calls `show` with each state of the session.
export const views = {
  async client() {
    return (client, show) => client.useSession.subscribe(show);
  },
  async react() {
    const { createElement, useEffect } = await import("react");
    const { createRoot } = await import("react-dom/client");
    return (client, show) => {
      function Page() {
        const session = client.useSession();
        useEffect(() => show(session), [session]);
        return null;
      }
      createRoot(document.createElement("div")).render(createElement(Page));
    };
  },
  async vue() {
    const { createApp, watchEffect } = await import("vue");
    return (client, show) => {
      const setup = () => {
        const session = client.useSession();
        watchEffect(() => show(session.value));
        return () => null;
      };
      createApp({ setup }).mount(document.createElement("div"));
    };
  },
  async solid() {
    const { createEffect, createRoot } = await import("solid-js");
    return (client, show) =>
      createRoot(() => {
        const session = client.useSession();
        // An effect runs again for the members that it has read.
        createEffect(() => {
          const { data, error, isPending, isRefetching } = session();
          show({ data: data && { user: { ...data.user } }, error, isPending, isRefetching });
        });
      });
  },
};
