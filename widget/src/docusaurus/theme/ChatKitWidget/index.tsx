/** @jsxImportSource react */
import { siteOptions, standInline } from "chatgate-widget/docusaurus/client";
import { ChatKitWidget, type ChatKitWidgetProps } from "chatgate-widget/react";
import { type ReactElement, useEffect } from "react";

export default function ChatKitWidgetInChapter(props: Partial<ChatKitWidgetProps>): ReactElement {
  useEffect(standInline, []);
  return <ChatKitWidget {...siteOptions()} placement="inline" {...props} />;
}
