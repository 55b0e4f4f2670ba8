// What is wrong with a file, said to a person: what was found, why it probably is so, what to do.

/** One fault of a row. */
export interface Fault {
  /** The line of the file, from 1. */
  line: number;
  found: string;
  cure: string;
}

/** Why a file cannot be read at all. */
export class BadFile extends Error {}
