/** The position of the button beside a selection: numbers only. */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** From the selection, and from the edges of the viewport, in CSS pixels. */
const GAP = 8;

/**
 * Below the last line at its end, above it where there is no room, at the viewport's edge where that line is
 * beyond it; null when nothing of the selection, whose box is `whole`, is in the viewport.
 */
export function placeAt(
  line: Box,
  whole: Box,
  size: Size,
  viewport: Size,
  isRightToLeft: boolean,
): { left: number; top: number } | null {
  if (whole.bottom <= 0 || whole.top >= viewport.height) return null;
  const below = line.bottom + GAP;
  const above = line.top - GAP - size.height;
  const isRoomBelow = below + size.height + GAP <= viewport.height;
  const end = isRightToLeft ? line.left : line.right - size.width;
  return {
    left: between(GAP, end, viewport.width - size.width - GAP),
    top: between(GAP, isRoomBelow ? below : above, viewport.height - size.height - GAP),
  };
}

function between(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
