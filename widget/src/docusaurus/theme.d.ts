declare module "@theme/ChatKitWidget" {
  import type { ChatKitWidgetProps } from "chatgate-widget/react";
  import type { ReactElement } from "react";

  /** The widget where it stands in a chapter, with the plugin's options; each can be said anew here. */
  export default function ChatKitWidget(props: Partial<ChatKitWidgetProps>): ReactElement;
}
