// What the service says in its own words, said to a person.

const REASONS: Record<string, string> = {
  leaf: "as exact as it gets",
  "label ends here": "best at this level",
  "not sure enough": "not sure enough to go on",
  "expected cost is lowest here": "going on would risk too much",
  "outside the taxonomy": "fits nowhere",
  "no text": "no text",
  "depth asked": "as deep as asked",
};

/** Why an answer ends where it does. */
export const plainReason = (stopped: string) => REASONS[stopped] ?? stopped;

export const percent = (share: number) => `${share > 0.995 && share < 1 ? ">99" : Math.round(share * 100)} %`;
