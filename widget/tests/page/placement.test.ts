import { expect, it } from "vitest";
import { placeAt } from "../../src/element/page/placement.js";

const BUTTON = { width: 100, height: 32 };
const WINDOW = { width: 800, height: 600 };

function line(left: number, top: number, right: number, bottom: number) {
  return { left, top, right, bottom };
}

it.each([
  ["below the end of the line", line(200, 100, 500, 120), false, { left: 400, top: 128 }],
  ["below its left end in right-to-left text", line(200, 100, 500, 120), true, { left: 200, top: 128 }],
  ["above it at the foot of the window", line(200, 550, 500, 570), false, { left: 400, top: 510 }],
  ["just below while there is room", line(200, 532, 500, 552), false, { left: 400, top: 560 }],
  ["inside of the left edge", line(0, 100, 40, 120), false, { left: 8, top: 128 }],
  ["inside of the right edge", line(760, 100, 800, 120), true, { left: 692, top: 128 }],
  ["at the top for a line taller than the window", line(200, -50, 500, 700), false, { left: 400, top: 8 }],
  ["nowhere when the line is above the window", line(200, -30, 500, 0), false, null],
  ["nowhere when the line is below the window", line(200, 600, 500, 620), false, null],
])("stands %s", (_, box, isRightToLeft, place) => {
  expect(placeAt(box, box, BUTTON, WINDOW, isRightToLeft)).toEqual(place);
});

it("stands at the foot of the window where the selection goes on beyond it", () => {
  const place = placeAt(line(200, 900, 500, 920), line(100, 50, 700, 920), BUTTON, WINDOW, false);
  expect(place).toEqual({ left: 400, top: 560 });
});
