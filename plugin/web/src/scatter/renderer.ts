/** Points on the GPU: one WebGL2 program for 2D and 3D; positions, codes, flags, and colors are uploaded separately. */
import type { Camera, Size } from "./camera";
import { matrixOf } from "./camera";
import { fewHaveValues, NO_VALUE, TABLE_SIDE, type Rgb } from "./colors";

/** Flags of a point, one byte: label state in the low three bits. */
export const FLAG = { state: 0x07, faint: 0x08, hidden: 0x10, selected: 0x20, reached: 0x40, marked: 0x80 } as const;

const VERTEX = `#version 300 es
precision highp float;
precision highp int;
in float ax; in float ay; in float az; in uint code; in uint flags;
uniform mat4 matrix; uniform float pointSize; uniform bool anySelected; uniform float perspective;
uniform highp sampler2D table; uniform vec3 ground; uniform vec3 reachColor; uniform float opacity;
uniform uint blank; uniform float lift;
flat out vec4 color; flat out int shape; flat out float side;
void main() {
  uint state = flags & 7u;
  bool faint = (flags & 8u) != 0u, hidden = (flags & 16u) != 0u, selected = (flags & 32u) != 0u;
  bool reached = (flags & 64u) != 0u, marked = (flags & 128u) != 0u;
  vec4 entry = texelFetch(table, ivec2(int(code & 255u), int(code >> 8u)), 0);
  vec4 at = matrix * vec4(ax, ay, az, 1.0);
  bool open = (state >= 2u && state <= 4u) || state == 6u;
  float raised = marked ? 4.0 : reached ? 3.0 : selected ? 2.0 : open ? 1.0 : 0.0;
  bool empty = code == blank, lifted = lift > 0.0 && !empty;
  shape = marked ? 5 : state == 6u || reached ? 1 : state == 2u ? 4 : state == 3u ? 2 : state == 4u ? 3 : 0;
  if (shape == 0 && state == 7u) shape = 6;
  if (shape == 0 && lifted) shape = 6;
  // On the flat map, depth determines what is on top: highlighted points, then those with values, then the others.
  if (perspective == 0.0) at.z = faint ? 0.9 : 0.5 - 0.2 * raised + (empty ? 0.1 : 0.0);
  gl_Position = hidden || (entry.a == 0.0 && raised < 3.0) || isnan(ax) ? vec4(2.0, 2.0, 2.0, 1.0) : at;
  bool back = lift > 0.0 && empty && raised == 0.0;
  float size = back ? 0.8 * pointSize : pointSize + (lifted ? lift : 0.0);
  size += marked ? 9.0 : raised >= 2.0 ? 2.0 : raised == 1.0 ? 1.5 : 0.0;
  if (perspective > 0.0) size = clamp(size * perspective / at.w, 1.0, 3.0 * size);
  gl_PointSize = size;
  side = size;
  vec3 rgb = reached ? reachColor : entry.rgb;
  bool away = faint || (anySelected && raised < 2.0);
  float cover = raised > 0.0 || lifted ? 1.0 : back ? 0.75 * opacity : opacity;
  color = vec4(away ? mix(ground, rgb, faint ? 0.18 : 0.3) : rgb, cover);
}`;

// Shapes: 0 disc, 1 ring (uncertain suggestion), 2 diamond (pending label), 3 cross (pending deletion),
// 4 triangle (confident suggestion), 5 disc in a ring (marked), 6 disc with an edge (has a value where few have one;
// checked, nothing there).
// A point of few pixels has no room for a shape and is drawn full.
const FRAGMENT = `#version 300 es
precision mediump float;
uniform highp vec3 ground;
flat in vec4 color; flat in int shape; flat in float side;
out vec4 fragment;
void main() {
  if (side < 3.5) { fragment = color; return; }
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float soft = 2.0 / side, r = length(p), cover = 1.0 - smoothstep(1.0 - soft, 1.0, r);
  if (side >= 5.0) {
    if (shape == 1) cover *= smoothstep(0.45 - soft, 0.45, r);
    else if (shape == 2) cover = 1.0 - smoothstep(1.0 - soft, 1.0, abs(p.x) + abs(p.y));
    else if (shape == 3) cover = 1.0 - smoothstep(0.3, 0.3 + soft, abs(abs(p.x) - abs(p.y)));
    else if (shape == 4) cover = 1.0 - smoothstep(0.0, soft, max(p.y - 0.7, abs(p.x) * 1.5 - p.y - 0.95));
    else if (shape == 5) cover *= max(smoothstep(0.75 - soft, 0.75, r), 1.0 - smoothstep(0.5, 0.5 + soft, r));
  }
  if (cover < 0.05) discard;
  vec3 rgb = shape == 6 && side >= 5.0 ? mix(color.rgb, ground, smoothstep(0.78 - soft, 0.78, r)) : color.rgb;
  fragment = vec4(rgb, color.a * cover);
}`;

export interface Scene {
  readonly camera: Camera;
  readonly size: Size;
  readonly ground: Rgb;
  readonly reachColor: Rgb;
  readonly anySelected: boolean;
  /** Diameter of a point, in CSS pixels. */
  readonly pointSize: number;
  readonly opacity: number;
}

/** The longest time a frame may take; remaining points are drawn in the frames that follow. */
export const FRAME_MS = { moving: 30, still: 350 } as const;
/** How much larger points with a value are, where few have one. */
const LIFT = 0.6;
/** Points in the first frame of a map, while the time for all of them is unknown. */
const FIRST_POINTS = 250_000;
/** A smaller part of the points says little about the time for all of them. */
const TELLING = 1 / 8;

export class PointRenderer {
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;
  readonly #buffers = new Map<string, WebGLBuffer>();
  readonly #table: WebGLTexture;
  readonly #uniforms = new Map<string, WebGLUniformLocation | null>();
  #count = 0;
  #dims: 2 | 3 = 2;
  #blank = NO_VALUE;
  #few = false;
  /** Milliseconds all points take, by the last frame that had many of them; 0 = not known. */
  #fullFrame = 0;
  /** Rows in drawing order: random, so that the first ones represent all, and no class covers the others. */
  #order: Uint32Array = new Uint32Array(0);
  /** How many of them are drawn. */
  #drawn = 0;
  /** Whether these points were drawn before: the first time includes compiling shaders, and says little about the next.
   */
  #warm = false;
  /** Counts the point sets: the time for an older one says nothing about this one. */
  #set = 0;

  /** Throws an Error with a message if the browser has no WebGL2. */
  constructor(canvas: HTMLCanvasElement) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, preserveDrawingBuffer: true });
    if (!gl)
      throw new Error("This browser cannot draw the map: WebGL 2 is off. Turn on hardware acceleration and reload.");
    this.#gl = gl;
    this.#program = link(gl);
    this.#table = gl.createTexture() as WebGLTexture;
    gl.bindTexture(gl.TEXTURE_2D, this.#table);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  setPositions(planes: readonly Float32Array[]): void {
    this.#count = planes[0]?.length ?? 0;
    this.#dims = planes.length === 3 ? 3 : 2;
    if (this.#order.length !== this.#count) this.#order = shuffled(this.#count);
    ["ax", "ay", "az"].forEach((name, i) => {
      const plane = planes[i];
      if (plane) this.#upload(name, plane, new Float32Array(this.#count));
    });
    this.#fullFrame = 0;
    this.#warm = false;
    this.#set++;
  }

  /** `blank`: the code of points without a value; where few have one, these are drawn to stand out. */
  setCodes(codes: Uint16Array, blank: number): void {
    this.#blank = blank;
    this.#few = fewHaveValues(codes, blank);
    this.#upload("code", codes, new Uint16Array(this.#count));
  }

  setFlags(flags: Uint8Array): void {
    this.#upload("flags", flags, new Uint8Array(this.#count));
  }

  setTable(rgba: Uint8Array): void {
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_2D, this.#table);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, TABLE_SIDE, TABLE_SIDE, 0, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
  }

  /**
   * Begins a picture: all points, or as many of them as `within` milliseconds allow.
   * `done` is called when the GPU has drawn them, with whether these were all.
   */
  draw(scene: Scene, ratio: number, within: number, done: (all: boolean) => void): void {
    const gl = this.#gl;
    const { camera, size } = scene;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    const [r, g, b] = scene.ground;
    gl.clearColor(r / 255, g / 255, b / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(this.#program);
    gl.uniformMatrix4fv(this.#at("matrix"), false, matrixOf(camera, size));
    gl.uniform1f(this.#at("pointSize"), scene.pointSize * ratio);
    gl.uniform1f(this.#at("perspective"), camera.dims === 3 ? camera.distance : 0);
    gl.uniform1i(this.#at("anySelected"), scene.anySelected ? 1 : 0);
    gl.uniform1f(this.#at("opacity"), scene.opacity);
    gl.uniform1ui(this.#at("blank"), this.#blank);
    gl.uniform1f(this.#at("lift"), this.#few ? LIFT * scene.pointSize * ratio : 0);
    gl.uniform3f(this.#at("ground"), r / 255, g / 255, b / 255);
    gl.uniform3f(this.#at("reachColor"), ...(scene.reachColor.map((v) => v / 255) as [number, number, number]));
    gl.bindTexture(gl.TEXTURE_2D, this.#table);
    this.#bind("ax", gl.FLOAT);
    this.#bind("ay", gl.FLOAT);
    if (this.#dims === 3) this.#bind("az", gl.FLOAT);
    else {
      const az = gl.getAttribLocation(this.#program, "az");
      gl.disableVertexAttribArray(az);
      gl.vertexAttrib1f(az, 0);
    }
    this.#bind("code", gl.UNSIGNED_SHORT);
    this.#bind("flags", gl.UNSIGNED_BYTE);
    this.#drawn = 0;
    this.drawMore(within, done);
  }

  /** Adds to the picture what its frames so far have left out, as much as `within` milliseconds allow. */
  drawMore(within: number, done: (all: boolean) => void): void {
    const gl = this.#gl;
    const begin = performance.now();
    const affordable = this.#fullFrame > 0 ? Math.ceil((this.#count * within) / this.#fullFrame) : FIRST_POINTS;
    const count = Math.min(this.#count - this.#drawn, affordable);
    gl.drawArrays(gl.POINTS, this.#drawn, count);
    this.#drawn += count;
    const all = this.#drawn === this.#count;
    const share = count / Math.max(1, this.#count);
    // The first frame is timed only if the next one needs it.
    const tells = this.#warm ? share >= TELLING : !all;
    const set = this.#set;
    this.#warm = true;
    this.#whenDone(() => {
      const full = (performance.now() - begin) / share;
      // Other work only adds to the time: the minimum is always the best estimate.
      if (set === this.#set && count > 0 && (tells || full < this.#fullFrame)) this.#fullFrame = full;
      done(all);
    });
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) this.#gl.deleteBuffer(buffer);
    this.#gl.deleteTexture(this.#table);
    this.#gl.deleteProgram(this.#program);
  }

  /** Calls back when the GPU has finished its current commands; never if its context is lost first. */
  #whenDone(then: () => void): void {
    const gl = this.#gl;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (!fence) return;
    gl.flush();
    const look = (): void => {
      if (gl.isContextLost()) return;
      if (gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.SIGNALED) {
        gl.deleteSync(fence);
        then();
      } else setTimeout(look, 4);
    };
    setTimeout(look, 0);
  }

  #upload<T extends Float32Array | Uint16Array | Uint8Array>(name: string, values: T, ordered: T): void {
    const order = this.#order;
    for (let i = 0; i < ordered.length; i++) ordered[i] = values[order[i] as number] as number;
    const gl = this.#gl;
    let buffer = this.#buffers.get(name);
    if (!buffer) {
      buffer = gl.createBuffer() as WebGLBuffer;
      this.#buffers.set(name, buffer);
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, ordered, gl.STATIC_DRAW);
  }

  #bind(name: string, type: number): void {
    const gl = this.#gl;
    const location = gl.getAttribLocation(this.#program, name);
    const buffer = this.#buffers.get(name);
    if (location < 0 || !buffer) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(location);
    if (type === gl.FLOAT) gl.vertexAttribPointer(location, 1, type, false, 0, 0);
    else gl.vertexAttribIPointer(location, 1, type, 0, 0);
  }

  #at(name: string): WebGLUniformLocation | null {
    if (!this.#uniforms.has(name)) this.#uniforms.set(name, this.#gl.getUniformLocation(this.#program, name));
    return this.#uniforms.get(name) ?? null;
  }
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram() as WebGLProgram;
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind) as WebGLShader;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
    throw new Error(
      `The map cannot be drawn: the graphics driver refused a shader (${gl.getProgramInfoLog(program)}).`,
    );
  return program;
}

/** 0 … n - 1 in a random order that is the same each time. */
export function shuffled(n: number): Uint32Array {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let seed = 1;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((seed / 2 ** 32) * (i + 1));
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}
