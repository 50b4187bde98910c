/** The page's text within a range. */

/** A text node, and the part of it that is in the range. */
interface TextPart {
  readonly node: Text;
  readonly from: number;
  readonly to: number;
}

/** The text nodes of a range that are not empty in it, in document order, or from its end on. */
export function* textsIn(range: Range, isBackward = false): Generator<TextPart> {
  const walker = document.createTreeWalker(range.commonAncestorContainer, NodeFilter.SHOW_TEXT);
  walker.currentNode = isBackward
    ? nodeAt(range.endContainer, range.endOffset)
    : nodeAt(range.startContainer, range.startOffset);
  let node: Node | null = walker.currentNode;
  while (node) {
    if (node instanceof Text) {
      const from = node === range.startContainer ? range.startOffset : 0;
      const to = node === range.endContainer ? range.endOffset : node.length;
      if (range.intersectsNode(node)) {
        if (from < to) yield { node, from, to };
      } else if (range.comparePoint(node, 0) === (isBackward ? -1 : 1)) {
        return;
      }
    }
    node = isBackward ? walker.previousNode() : walker.nextNode();
  }
}

/** A node at the boundary or just before it. */
function nodeAt(container: Node, offset: number): Node {
  if (container instanceof Text || !container.hasChildNodes()) return container;
  const child = container.childNodes[offset];
  if (child) return child;
  let last: Node = container;
  while (last.lastChild) last = last.lastChild;
  return last;
}

const SHOWN = /[^\s\u200b\ufeff]/;

/**
 * The range from its first to its last visible character; null if it has none. A triple click selects up to the
 * beginning of the next block, which may belong to another heading or scope.
 */
export function tightened(range: Range): Range | null {
  const first = firstShown(textsIn(range));
  const last = first && firstShown(textsIn(range, true));
  if (!first || !last) return null;
  const tight = document.createRange();
  const before = first.node.data.slice(first.from, first.to);
  tight.setStart(first.node, first.from + before.search(SHOWN));
  tight.setEnd(last.node, last.from + last.node.data.slice(last.from, last.to).trimEnd().length);
  return tight;
}

function firstShown(parts: Iterable<TextPart>): TextPart | null {
  for (const part of parts) {
    if (!SHOWN.test(part.node.data.slice(part.from, part.to))) continue;
    const contents = document.createRange();
    contents.selectNodeContents(part.node);
    if (contents.getClientRects().length > 0) return part;
  }
  return null;
}

/** The viewport rectangle of a range's last line. */
export function lastLineOf(range: Range): DOMRectReadOnly {
  const [last] = textsIn(range, true);
  const line = document.createRange();
  line.setStart(last?.node ?? range.startContainer, last?.from ?? range.startOffset);
  line.setEnd(range.endContainer, range.endOffset);
  const rects = [...line.getClientRects()].filter((rect) => rect.width > 0);
  return rects.at(-1) ?? range.getBoundingClientRect();
}
