/** How a part of a picture fills a square. */

type Size = readonly [width: number, height: number];
/** Left, top, width, and height, as shares of the picture. */
type Box = readonly [x: number, y: number, width: number, height: number];

/** Styles of the window and of the picture behind it: the part is as large as a square of `side` pixels allows. */
export function placeCrop([width, height]: Size, [x, y, w, h]: Box, side: number) {
  const scale = Math.min(side / (w * width), side / (h * height));
  return {
    window: { width: w * width * scale, height: h * height * scale },
    image: {
      width: width * scale,
      height: height * scale,
      marginLeft: -x * width * scale,
      marginTop: -y * height * scale,
    },
  };
}
