// The bytes of a file as text: UTF-8, UTF-16 by its mark, and what Windows programs write in the West.
import { BadFile } from "./faults";

export interface Decoded {
  text: string;
  encoding: "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";
}

const FOREIGN: readonly [readonly number[], string][] = [
  [[0x50, 0x4b, 0x03, 0x04], "an Excel workbook or a zip archive. Save the sheet as CSV (UTF-8), or unpack the archive."],
  [[0xd0, 0xcf, 0x11, 0xe0], "an old Excel workbook. Save the sheet as CSV (UTF-8)."],
  [[0x1f, 0x8b], "compressed (gzip). Unpack it first."],
  [[0x28, 0xb5, 0x2f, 0xfd], "compressed (zstd). Unpack it first."],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file. Use textaxa predict for it, or save it as CSV."],
  [[0x25, 0x50, 0x44, 0x46], "a PDF document. Save its table as CSV (UTF-8)."],
];

/** Windows-1252 gives these bytes no character; a file that has them is something else. */
const UNUSED_1252 = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/** Give the text of a file's bytes. */
export function decoded(bytes: Uint8Array, name: string): Decoded {
  for (const [magic, what] of FOREIGN) {
    if (magic.every((byte, i) => bytes[i] === byte)) throw new BadFile(`${name} is ${what}`);
  }
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return read(bytes, "utf-16le", name);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return read(bytes, "utf-16be", name);
  const place = firstBadByte(bytes);
  if (place < 0) return { text: new TextDecoder("utf-8").decode(bytes), encoding: "utf-8" };
  if (!bytes.some((byte) => UNUSED_1252.has(byte))) return read(bytes, "windows-1252", name);
  const line = lineOf(bytes, place);
  throw new BadFile(
    `${name} is neither UTF-8 nor Western Windows text: line ${line} has the byte 0x${bytes[place]!.toString(16)}. ` +
      "Open it in the program that wrote it and save it as CSV (UTF-8).",
  );
}

function read(bytes: Uint8Array, encoding: Decoded["encoding"], name: string): Decoded {
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding };
  } catch {
    throw new BadFile(`${name} begins as ${encoding.toUpperCase()}, but is damaged further on. Save it as CSV (UTF-8).`);
  }
}

/** The place of the first byte that is not UTF-8; -1 where all are. */
function firstBadByte(bytes: Uint8Array): number {
  if (isUtf8(bytes)) return -1;
  let [good, bad] = [0, bytes.length];
  // The longest beginning that can still become UTF-8: found by halves.
  while (good < bad - 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8(bytes.subarray(0, middle), true)) good = middle;
    else bad = middle;
  }
  return good;
}

function isUtf8(bytes: Uint8Array, open = false): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: open });
    return true;
  } catch {
    return false;
  }
}

function lineOf(bytes: Uint8Array, place: number): number {
  let line = 1;
  for (let i = 0; i < place; i++) if (bytes[i] === 10) line++;
  return line;
}
